-- Search in passages, by the words of their language and, where an embedder and pgvector are there, by meaning.

-- The configuration of a language (ISO 639-1): those that every Postgres from 15 on has. Others: words as they stand.
create function coursewright.text_configuration(language text) returns regconfig
language sql immutable parallel safe as $$
    select case language
        when 'ar' then 'pg_catalog.arabic'::regconfig
        when 'ca' then 'pg_catalog.catalan'::regconfig
        when 'da' then 'pg_catalog.danish'::regconfig
        when 'de' then 'pg_catalog.german'::regconfig
        when 'el' then 'pg_catalog.greek'::regconfig
        when 'en' then 'pg_catalog.english'::regconfig
        when 'es' then 'pg_catalog.spanish'::regconfig
        when 'eu' then 'pg_catalog.basque'::regconfig
        when 'fi' then 'pg_catalog.finnish'::regconfig
        when 'fr' then 'pg_catalog.french'::regconfig
        when 'ga' then 'pg_catalog.irish'::regconfig
        when 'hi' then 'pg_catalog.hindi'::regconfig
        when 'hu' then 'pg_catalog.hungarian'::regconfig
        when 'hy' then 'pg_catalog.armenian'::regconfig
        when 'id' then 'pg_catalog.indonesian'::regconfig
        when 'it' then 'pg_catalog.italian'::regconfig
        when 'lt' then 'pg_catalog.lithuanian'::regconfig
        when 'nb' then 'pg_catalog.norwegian'::regconfig
        when 'ne' then 'pg_catalog.nepali'::regconfig
        when 'nl' then 'pg_catalog.dutch'::regconfig
        when 'nn' then 'pg_catalog.norwegian'::regconfig
        when 'no' then 'pg_catalog.norwegian'::regconfig
        when 'pt' then 'pg_catalog.portuguese'::regconfig
        when 'ro' then 'pg_catalog.romanian'::regconfig
        when 'ru' then 'pg_catalog.russian'::regconfig
        when 'sr' then 'pg_catalog.serbian'::regconfig
        when 'sv' then 'pg_catalog.swedish'::regconfig
        when 'ta' then 'pg_catalog.tamil'::regconfig
        when 'tr' then 'pg_catalog.turkish'::regconfig
        when 'yi' then 'pg_catalog.yiddish'::regconfig
        else 'pg_catalog.simple'::regconfig
    end
$$;

-- The same text, punctuation and the signs inside of paths, names and code turned into spaces, so that `sources.list` is
-- found by its parts; so are U+E000 and U+E001, which mark what was found. No character moves. The parser of Postgres
-- would split most of it by itself, but in a database of locale C it takes all that is not ASCII for letters.
create function coursewright.parted(passage text) returns text
language sql immutable parallel safe strict as $$
    select regexp_replace(passage, '[./\\_:=@#&|<>+*~^$%`"()\[\]{}\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7'
        '\u00f7\u060c\u061b\u061f\u066a-\u066d\u06d4\u2000-\u2bff\u3000-\u3004\u3008-\u3030\u303d-\u303f\ue000\ue001'
        '\ufe30-\ufe6b\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]', ' ', 'g')
$$;

-- Chinese, Japanese, Korean and Thai: every two neighbouring characters of one script become a word (a kanji that stands
-- alone stays); all else stays as it is. These scripts have no spaces that a parser could go by, or (Korean) join
-- particles to words.
create function coursewright.spaced(passage text) returns text
language plpgsql immutable parallel safe strict as $$
declare
    dense constant text := '[\u0e00-\u0e7f\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+';
    runs constant text := '[\u3005-\u3007\u3400-\u9fff]+|[\u30a1-\u30ff]{2,}|[\u3041-\u309f]{2,}'
                          '|[\u0e00-\u0e7f]{2,}|[\uac00-\ud7a3]+';
    normal text;
begin
    if passage !~ dense then
        return coursewright.parted(passage);
    end if;
    normal := normalize(passage, nfkc);
    return coursewright.parted(regexp_replace(normal, dense, ' ', 'g')) || ' ' || coalesce((
        select string_agg(substr(found.run[1], place, 2), ' ')
          from regexp_matches(normal, runs, 'g') as found (run),
               generate_series(1, greatest(length(found.run[1]) - 1, 1)) as place), '');
end $$;

-- The words of a text as they are stored and asked for: stems, without stop words.
create function coursewright.words(passage text, language text) returns tsvector
language sql immutable parallel safe strict as $$
    select to_tsvector(coursewright.text_configuration(language), coursewright.spaced(passage))
$$;

-- How much of a document is in one language; words are counted by part, so that each language has its own rare words.
create table coursewright.document_parts (
    id bigint generated always as identity primary key,
    knowledge_base_id uuid not null,
    document text not null,
    language text not null,
    passages int not null,
    unique (knowledge_base_id, document, language),
    foreign key (knowledge_base_id, document) references coursewright.documents on delete cascade
);

-- Where each word stands: a row for a word of a part. A GIN index would find the passages too, but not say how rare a
-- word is or how often it stands there, and ranking needs both.
create table coursewright.passage_words (
    knowledge_base_id uuid not null,
    word text not null,
    part bigint not null references coursewright.document_parts on delete cascade,
    ordinals int[] not null,                -- of the passages, in the document
    weights real[] not null,                -- of the word in each: BM25 without its rarity
    primary key (knowledge_base_id, word, part)
);
create index passage_words_part on coursewright.passage_words (part);

-- Meaning as numbers. Plain arrays, so that the table exists without pgvector too; `index_embeddings` makes them quick.
create table coursewright.passage_embeddings (
    knowledge_base_id uuid not null,
    passage_id text not null,
    embedder text not null,
    embedding real[] not null,
    primary key (knowledge_base_id, passage_id, embedder),
    foreign key (knowledge_base_id, passage_id) references coursewright.passages on delete cascade
);

-- The schema that pgvector lives in (Supabase: `extensions`); null where it is not installed.
create function coursewright.vector_schema() returns text
language sql stable as $$
    select n.nspname::text from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
     where e.extname = 'vector'
$$;

-- Make an embedder's numbers searchable. False where pgvector is missing and cannot be installed.
create function coursewright.index_embeddings(embedder text, dimensions int) returns boolean
language plpgsql as $$
declare
    named constant text := format('passage_embeddings_%s_%s', embedder, dimensions);
begin
    if to_regclass(format('coursewright.%I', named)) is not null then
        return true;
    end if;
    perform pg_advisory_xact_lock(hashtext(named));
    if coursewright.vector_schema() is null then
        begin
            create extension if not exists vector;
        exception when feature_not_supported or undefined_file or insufficient_privilege then
            return false;
        end;
    end if;
    execute format(
        'create index if not exists %1$I on coursewright.passage_embeddings
         using hnsw ((embedding::%2$I.vector(%3$s)) %2$I.vector_cosine_ops) where embedder = %4$L',
        named, coursewright.vector_schema(), dimensions, embedder);
    return true;
end $$;

-- The passages of a knowledge base nearest to a question, and their cosine distance (0-2).
create function coursewright.nearest(base uuid, embedder text, question real[], most int)
returns table (passage_id text, distance float8)
language plpgsql stable as $$
declare
    place constant text := coursewright.vector_schema();
begin
    if place is null then
        return;
    end if;
    return query execute format(
        'select e.passage_id, (e.embedding::%1$I.vector(%2$s) operator(%1$I.<=>) $1::%1$I.vector(%2$s))::float8
           from coursewright.passage_embeddings e
          where e.knowledge_base_id = $2 and e.embedder = %3$L
          order by e.embedding::%1$I.vector(%2$s) operator(%1$I.<=>) $1::%1$I.vector(%2$s)
          limit $3', place, cardinality(question), embedder)
        using question, base, most;
end $$;
