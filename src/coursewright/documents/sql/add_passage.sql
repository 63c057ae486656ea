-- One passage of a document.
insert into coursewright.passages (knowledge_base_id, document, id, ordinal, heading_path, page, time_code,
                                   start_offset, end_offset, text, language, sha256, spans, terms)
values (%(knowledge_base_id)s, %(document)s, %(id)s, %(ordinal)s, %(heading_path)s::text[], %(page)s, %(time_code)s,
        %(start)s, %(end)s, %(text)s, %(language)s, %(sha256)s, %(spans)s, %(terms)s)
