-- The documents of a knowledge base, by name, with how much was read from each.
select d.name, d.status, d.error, d.hint, d.title, d.language, d.pages, d.warnings, d.bytes,
       (select count(*) from coursewright.passages p
         where p.knowledge_base_id = d.knowledge_base_id and p.document = d.name)::int as passages
  from coursewright.documents d join coursewright.knowledge_bases k on k.id = d.knowledge_base_id
 where d.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
 order by d.name collate "C"
