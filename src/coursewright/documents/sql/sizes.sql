-- How large a knowledge base is.
select count(*)::int as passages, coalesce(sum(octet_length(p.text)), 0)::bigint as bytes
  from coursewright.passages p join coursewright.knowledge_bases k on k.id = p.knowledge_base_id
 where p.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
