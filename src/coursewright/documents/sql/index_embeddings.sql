-- Whether an embedder's vectors can be searched here; makes them so where pgvector is there.
select coursewright.index_embeddings(%(embedder)s, %(dimensions)s) as searchable
