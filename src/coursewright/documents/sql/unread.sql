-- How many documents the background has still to read.
select count(*)::int as n from coursewright.documents d
  join coursewright.knowledge_bases k on k.id = d.knowledge_base_id
 where d.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
   and d.background and d.status in ('queued', 'processing')
