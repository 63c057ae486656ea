-- The passages nearest in meaning to a question, nearest first; none where pgvector is missing.
select n.passage_id as id, 1 - n.distance as score
  from coursewright.knowledge_bases k
 cross join lateral coursewright.nearest(k.id, %(embedder)s, %(question)s::real[], %(most)s) n
 where k.id = %(knowledge_base_id)s and k.organisation_id = %(organisation_id)s
 order by n.distance, n.passage_id
