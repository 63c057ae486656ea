-- The bytes of a document.
insert into coursewright.document_originals (knowledge_base_id, name, content)
values (%(knowledge_base_id)s, %(name)s, %(content)s::bytea)
on conflict (knowledge_base_id, name) do update set content = excluded.content
