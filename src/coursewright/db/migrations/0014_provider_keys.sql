-- Keys of model providers, encrypted by the program: the database never sees one. Several may be in force, so that a new
-- one is in use before the old one ends.

create table coursewright.provider_keys (
    id uuid primary key default gen_random_uuid(),
    organisation_id uuid,                   -- null: the installation's, for all who have none of their own
    provider text not null,                 -- openai, anthropic, compatible
    fingerprint text not null,              -- as in the ledger
    name text not null,
    secret bytea not null,                  -- bound to organisation and provider: no use in another row
    created_at timestamptz not null default clock_timestamp(),
    refused_at timestamptz,                 -- the provider took it no more; others are tried first
    revoked_at timestamptz
);
create unique index provider_keys_in_force on coursewright.provider_keys (provider, organisation_id, fingerprint)
    nulls not distinct where revoked_at is null;

alter table coursewright.provider_keys enable row level security;
