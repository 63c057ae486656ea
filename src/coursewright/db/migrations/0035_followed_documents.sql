-- Documents that the application keeps itself and a configured query names: they are followed when they change or vanish.
alter table coursewright.documents
    add column followed_at timestamptz,     -- when the query named it last; null: it was uploaded or added by URL
    add column source_id text,              -- what the application calls it
    add column source_version text;         -- when it was changed there last, if the query says so
alter table coursewright.knowledge_bases
    add column followed_at timestamptz;     -- when the query was asked last
