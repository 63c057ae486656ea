-- Documents that arrive over HTTP are read in the background, by whatever worker comes first, under a lease.
alter table coursewright.documents
    add column id uuid not null default gen_random_uuid() unique,  -- what the HTTP API calls a document by
    add column content_type text,
    add column source_url text,
    add column added_at timestamptz not null default clock_timestamp(),
    add column background boolean not null default false,          -- else whoever added it reads it
    add column read_attempt integer not null default 0,            -- the fence
    add column read_lost integer not null default 0,               -- readers that never came back
    add column read_until timestamptz;                             -- the lease of the reader
create index documents_unread on coursewright.documents (added_at)
    where background and status in ('queued', 'processing');

alter table coursewright.knowledge_bases
    add column analysis jsonb,              -- what the author found in it, and
    add column analysed text;               -- of which state of its documents
