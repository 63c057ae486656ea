-- What came from a document's URL, if this is still its reader.
with held as (
    update coursewright.documents
       set sha256 = %(sha256)s, bytes = length(%(content)s::bytea), content_type = %(content_type)s
     where knowledge_base_id = %(knowledge_base_id)s and name = %(name)s and read_attempt = %(attempt)s
    returning knowledge_base_id, name)
insert into coursewright.document_originals (knowledge_base_id, name, content)
select knowledge_base_id, name, %(content)s::bytea from held
on conflict (knowledge_base_id, name) do update set content = excluded.content
