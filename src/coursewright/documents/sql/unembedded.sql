-- Passages that an embedder understands and has not seen yet, in order; `left` counts all of them.
select p.id, p.heading_path, p.text, (count(*) over ())::int as left
  from coursewright.passages p join coursewright.knowledge_bases k on k.id = p.knowledge_base_id
 where p.knowledge_base_id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
   and p.language = any (%(languages)s::text[])
   and not exists (select from coursewright.passage_embeddings e
                    where e.knowledge_base_id = p.knowledge_base_id and e.passage_id = p.id
                      and e.embedder = %(embedder)s)
 order by p.document collate "C", p.ordinal limit %(most)s
