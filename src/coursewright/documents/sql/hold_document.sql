-- Lock a document that is being read, if this is still its reader.
select id from coursewright.documents
 where knowledge_base_id = %(knowledge_base_id)s and name = %(name)s and read_attempt = %(attempt)s for update
