-- The bytes of a document.
select content from coursewright.document_originals
 where knowledge_base_id = %(knowledge_base_id)s and name = %(name)s
