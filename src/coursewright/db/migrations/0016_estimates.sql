-- What was estimated for a job that a model writes, before anything was learned from others. Beside the ledger, which
-- says what it took, it is what the next estimate learns from.
create table coursewright.estimates (
    job_id uuid primary key,
    organisation_id uuid not null,
    model text not null,
    work jsonb not null,                      -- [{kind, calls, input, output}], tokens of one call
    dollars_low numeric(20, 10),              -- as told to the user; null: no price is known
    dollars_high numeric(20, 10),
    created_at timestamptz not null default clock_timestamp()
);
create index estimates_newest on coursewright.estimates (organisation_id, model, created_at desc);
alter table coursewright.estimates enable row level security;
