-- Why a document could not be read.
update coursewright.documents
   set status = 'error', error = %(error)s, hint = %(hint)s, read_at = clock_timestamp()
 where knowledge_base_id = %(knowledge_base_id)s and name = %(name)s
