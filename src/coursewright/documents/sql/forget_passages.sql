-- A document that is read again gets its passages, and what finds them, anew.
with parts as (
    delete from coursewright.document_parts where knowledge_base_id = %(knowledge_base_id)s and document = %(name)s)
delete from coursewright.passages where knowledge_base_id = %(knowledge_base_id)s and document = %(name)s
