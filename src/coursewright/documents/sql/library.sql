-- The documents of a knowledge base by name, all or one, as the HTTP API shows them.
select d.id, d.knowledge_base_id, d.name, d.status, d.error, d.hint, d.title, d.language, d.pages, d.warnings, d.bytes,
       d.content_type, d.source_url, d.added_at, d.read_at,
       (select count(*) from coursewright.passages p
         where p.knowledge_base_id = d.knowledge_base_id and p.document = d.name)::int as passages
  from coursewright.documents d join coursewright.knowledge_bases k on k.id = d.knowledge_base_id
 where d.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
   and (%(name)s::text is null or d.name = %(name)s::text)
 order by d.name collate "C"
