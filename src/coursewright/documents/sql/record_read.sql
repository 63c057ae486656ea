-- What was read from a document.
update coursewright.documents
   set status = 'completed', error = null, hint = null, title = %(title)s, language = %(language)s,
       licence = %(licence)s, attribution = %(attribution)s, pages = %(pages)s, warnings = %(warnings)s::text[],
       text = %(text)s, read_at = clock_timestamp()
 where knowledge_base_id = %(knowledge_base_id)s and name = %(name)s
