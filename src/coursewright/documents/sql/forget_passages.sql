-- A document that is read again gets its passages anew.
delete from coursewright.passages where knowledge_base_id = %(knowledge_base_id)s and document = %(name)s
