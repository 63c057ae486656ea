-- The languages of a knowledge base, with the number of passages in each, most first.
select p.language, sum(p.passages)::int as passages
  from coursewright.document_parts p join coursewright.knowledge_bases k on k.id = p.knowledge_base_id
 where p.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
 group by p.language order by passages desc, p.language
