-- Row level security for what search reads, as in 0020_access.sql: a request sees its own organisation's words only.
do $$
declare
    rule record;
begin
    for rule in select * from (values
            ('coursewright.document_parts', 'knowledge_base_id'), ('coursewright.passage_words', 'knowledge_base_id'),
            ('coursewright.passage_embeddings', 'knowledge_base_id')) r (name, base) loop
        execute format('alter table %s enable row level security', rule.name);
        if exists (select from pg_roles where rolname = 'coursewright_api') then
            execute format('grant select, insert, update, delete on %s to coursewright_api', rule.name);
            execute format('create policy coursewright_api on %s to coursewright_api using (%s) with check (%2$s)',
                           rule.name,
                           'exists (select from coursewright.knowledge_bases k where k.id = knowledge_base_id)');
        end if;
    end loop;
end $$;
