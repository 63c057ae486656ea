-- Calls to language models: what was asked, what came back, what it cost. A call is one question (unique by its key); a
-- send is one request to a provider for it, and carries the money. The states stand in docs/concepts.md.

create table coursewright.calls (
    id uuid primary key default gen_random_uuid(),
    key text not null unique,                 -- hash of organisation, task key, generation, turn, canonical request
    organisation_id uuid not null,
    job_id uuid,                              -- that asked first
    knowledge_base_id uuid,
    documents text[] not null default '{}',   -- quoted in the prompt
    kind text not null,                       -- of task
    task_key text not null,
    generation integer not null,
    turn integer not null,
    model text not null,                      -- asked: provider:model
    state text not null default 'open' check (state in (
        'open',         -- nobody asks; a send may begin
        'waiting',      -- for a batch
        'submitting',   -- a request is on its way
        'submitted',    -- the provider's id is known
        'answered', 'accepted', 'rejected')),
    reason text,                              -- of the rejection
    send_id uuid,                             -- the newest send, or the one that answered
    sends integer not null default 0,
    failures integer not null default 0,      -- in a row
    retry_at timestamptz not null default '-infinity',
    ticket_due double precision,              -- a place in the line before a limit; its tokens are already debited
    ticket_tokens double precision,
    endpoint text not null,
    fingerprint text not null,                -- of the provider's key
    hits integer not null default 0,
    cached_until timestamptz,                 -- until then a first level outside of this database may hold the reply
    forget boolean not null default false,    -- its sources were deleted while it was in flight
    created_at timestamptz not null default clock_timestamp(),
    answered_at timestamptz,
    used_at timestamptz not null default clock_timestamp()
) with (fillfactor = 80);
create index calls_job on coursewright.calls (job_id, created_at);
create index calls_ticket on coursewright.calls (endpoint, fingerprint, organisation_id) where ticket_due is not null;
create index calls_documents on coursewright.calls (knowledge_base_id);

-- The ledger: append-only, one row a request. Rows are only ever completed, never removed with a reply.
create table coursewright.sends (
    id uuid primary key default gen_random_uuid(),
    call_id uuid not null references coursewright.calls (id),
    number integer not null,
    organisation_id uuid not null,
    job_id uuid,
    month date not null,                      -- whose budget it is charged to
    endpoint text not null,
    fingerprint text not null,
    model text not null,
    kind text not null,
    mode text not null check (mode in ('sync', 'flex', 'background', 'batch')),
    owner text not null,                      -- the process that asked
    state text not null check (state in (
        'waiting', 'submitting', 'submitted',
        'settled',      -- the reply is known and paid
        'suspected',    -- no reply is known; it may have been billed
        'released')),   -- certainly not billed
    provider_id text,
    batch_id uuid,
    deadline_at timestamptz not null,         -- of the caller while submitting; to fetch the reply once submitted
    poll_at timestamptz,
    reserved numeric(20, 10),                 -- dollars; null: no price is known
    cost numeric(20, 10),
    price jsonb,                              -- the price agreed, then the one used; with its multiplier
    limit_tokens double precision not null,   -- debited from the limit
    model_answered text,
    finish text,
    input_tokens integer,
    cached_tokens integer,
    cache_written_tokens integer,
    output_tokens integer,
    reasoning_tokens integer,
    error text,                               -- code of the error
    detail text,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    unique (call_id, number)
) with (fillfactor = 80);
create index sends_live on coursewright.sends (deadline_at) where state in ('waiting', 'submitting', 'submitted');
create index sends_in_flight on coursewright.sends (organisation_id) where state in ('submitting', 'submitted');
create index sends_job on coursewright.sends (job_id, started_at);
create index sends_batch on coursewright.sends (batch_id) where batch_id is not null;
create index sends_provider_id on coursewright.sends (provider_id) where state in ('submitted', 'suspected');

-- Prompts and replies, apart from the money: may be deleted at any time, and are with their documents.
create table coursewright.call_texts (
    call_id uuid primary key references coursewright.calls (id) on delete cascade,
    organisation_id uuid not null,
    prompt jsonb not null,
    reply jsonb,
    bytes integer not null default 0,
    created_at timestamptz not null default clock_timestamp()
);

-- Keys of deleted replies that a first level outside of this database may still hold.
create table coursewright.forgotten (
    key text primary key,
    organisation_id uuid not null,
    at timestamptz not null default clock_timestamp()
);

-- Stored answers that another job, or the same one later, used instead of a call.
create table coursewright.call_uses (
    call_id uuid not null references coursewright.calls (id) on delete cascade,
    job_id uuid not null,
    uses integer not null default 1,
    used_at timestamptz not null default clock_timestamp(),
    primary key (job_id, call_id)
);

-- Money by job, organisation and month of an organisation. Settled + suspected + reserved never exceeds the cap.
create table coursewright.budgets (
    scope text not null check (scope in ('organisation', 'month', 'job')),
    owner uuid not null,                      -- organisation or job
    period date not null default '-infinity', -- first day of the month
    organisation_id uuid not null,
    cap numeric(20, 10),                      -- dollars; null: none
    reserved numeric(20, 10) not null default 0 check (reserved >= 0),
    settled numeric(20, 10) not null default 0,
    suspected numeric(20, 10) not null default 0 check (suspected >= 0),
    primary key (scope, owner, period)
) with (fillfactor = 50);

-- What an organisation may do; without a row, what the installation allows.
create table coursewright.spending_limits (
    organisation_id uuid primary key,
    total_cap numeric(20, 10),
    month_cap numeric(20, 10),
    calls_at_once integer,
    provider_storage boolean not null default false -- prompts may rest at a provider (background, batch)
);

-- One row a provider, model and key: token buckets, and what is learned of the real limit. A level below zero is the
-- line of those who hold tickets.
create table coursewright.limits (
    endpoint text not null,
    model text not null,
    fingerprint text not null,
    configured_requests double precision,     -- a minute, by the installation's settings; null: not set
    configured_tokens double precision,
    requests_rate double precision,           -- a minute, in force; null: not known
    tokens_rate double precision,
    learned boolean not null default false,   -- the rate is a guess from 429s
    factor double precision not null default 1, -- of the rate: raised by adding, lowered by multiplying
    requests_level double precision not null default 0,
    tokens_level double precision not null default 0,
    refilled_at timestamptz not null default clock_timestamp(),
    decreased_at timestamptz not null default '-infinity',
    increased_at timestamptz not null default clock_timestamp(),
    blocked_until timestamptz not null default '-infinity',
    turned double precision not null default 0, -- seconds of the full rate that have gone by; tickets wait for it
    ceiling double precision not null default 1, -- the factor at which calls were refused last
    at_once double precision,                 -- calls in flight, where latency is the signal; null: no limit
    best_latency double precision,            -- milliseconds a token, when nothing else runs
    refused bigint not null default 0,        -- 429s
    primary key (endpoint, model, fingerprint)
) with (fillfactor = 30);

-- One row a provider, model and key.
create table coursewright.breakers (
    endpoint text not null,
    model text not null,
    fingerprint text not null,
    state text not null default 'closed' check (state in ('closed', 'open', 'half_open')),
    calls double precision not null default 0,    -- fading: half as much after half a minute
    failures double precision not null default 0,
    counted_at timestamptz not null default clock_timestamp(),
    reopen_at timestamptz,
    openings integer not null default 0,      -- in a row
    probes integer not null default 0,
    successes integer not null default 0,
    probe_until timestamptz,
    last_error text,
    primary key (endpoint, model, fingerprint)
) with (fillfactor = 30);

-- Lengths and latencies of the newest calls, newest first.
create table coursewright.learned (
    endpoint text not null,
    model text not null,
    kind text not null,
    outputs integer[] not null default '{}',
    input_ratios real[] not null default '{}', -- input tokens counted by the provider / estimated by us
    seconds real[] not null default '{}',
    primary key (endpoint, model, kind)
) with (fillfactor = 30);

-- One row: when anybody last did the duties of all calls, and the longest time between two rounds lately. A reply that
-- is made in the background is lost when nobody comes for it in time.
create table coursewright.rounds (
    one boolean primary key default true check (one),
    installation uuid not null default gen_random_uuid(), -- tells this database from others at the same first level
    at timestamptz not null default '-infinity',
    gap double precision,                     -- seconds; null: not known
    gap_at timestamptz not null default '-infinity',
    pruned_at timestamptz not null default '-infinity' -- when texts were pruned last, by whomever
);
insert into coursewright.rounds default values;

-- Who else reads what of it stands in 0020_access.sql.
alter table coursewright.calls enable row level security;
alter table coursewright.sends enable row level security;
alter table coursewright.call_texts enable row level security;
alter table coursewright.call_uses enable row level security;
alter table coursewright.budgets enable row level security;
alter table coursewright.spending_limits enable row level security;
alter table coursewright.limits enable row level security;
alter table coursewright.breakers enable row level security;
alter table coursewright.learned enable row level security;
alter table coursewright.forgotten enable row level security;
alter table coursewright.rounds enable row level security;
