-- Knowledge bases, their documents (the original and what was read from it) and the passages they are cut into.
create table coursewright.knowledge_bases (
    id uuid primary key,
    organisation_id uuid not null,
    name text not null,
    created_at timestamptz not null default now()
);

create table coursewright.documents (
    knowledge_base_id uuid not null references coursewright.knowledge_bases (id) on delete cascade,
    name text not null,                     -- its path in the knowledge base
    sha256 text not null,                   -- of the original
    bytes bigint not null,
    status text not null default 'queued' check (status in ('queued', 'processing', 'completed', 'error')),
    error text,
    hint text,
    title text,
    language text,
    licence text,
    attribution text,
    pages integer,
    warnings text[] not null default '{}',
    text text,                              -- as extracted; offsets of passages count its characters
    read_at timestamptz,
    primary key (knowledge_base_id, name)
);

-- Apart from what is read all the time. Kept, so that a worker elsewhere can read the file.
create table coursewright.document_originals (
    knowledge_base_id uuid not null,
    name text not null,
    content bytea not null,
    primary key (knowledge_base_id, name),
    foreign key (knowledge_base_id, name) references coursewright.documents on delete cascade
);

create table coursewright.passages (
    knowledge_base_id uuid not null,
    document text not null,
    id text not null,
    ordinal integer not null,               -- in the document
    heading_path text[] not null,
    page integer,
    time_code text,
    start_offset integer not null,
    end_offset integer not null,
    text text not null,
    language text not null,
    sha256 text not null,
    spans jsonb not null,
    terms jsonb not null,
    primary key (knowledge_base_id, id),
    foreign key (knowledge_base_id, document) references coursewright.documents on delete cascade
);
create index passages_order on coursewright.passages (knowledge_base_id, document, ordinal);
