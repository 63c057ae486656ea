-- What an embedder made of a passage; two processes may do it at once, and the passage may be gone meanwhile.
insert into coursewright.passage_embeddings (knowledge_base_id, passage_id, embedder, embedding)
select knowledge_base_id, id, %(embedder)s, %(embedding)s::real[]
  from coursewright.passages where knowledge_base_id = %(knowledge_base_id)s and id = %(id)s
on conflict (knowledge_base_id, passage_id, embedder) do nothing
