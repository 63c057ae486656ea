-- A document with its original; adding it again changes nothing.
with document as (
    insert into coursewright.documents (knowledge_base_id, name, sha256, bytes)
    values (%(knowledge_base_id)s, %(name)s, %(sha256)s, length(%(content)s::bytea))
    on conflict (knowledge_base_id, name) do nothing returning knowledge_base_id, name)
insert into coursewright.document_originals (knowledge_base_id, name, content)
select knowledge_base_id, name, %(content)s::bytea from document
