-- A document to be read in the background. The same file again changes nothing, unless it could not be read before.
insert into coursewright.documents as d (knowledge_base_id, name, sha256, bytes, content_type, source_url, background)
values (%(knowledge_base_id)s, %(name)s, %(sha256)s, coalesce(length(%(content)s::bytea), 0), %(content_type)s,
        %(source_url)s, true)
on conflict (knowledge_base_id, name) do update
   set sha256 = excluded.sha256, bytes = excluded.bytes, content_type = excluded.content_type,
       source_url = excluded.source_url, background = true, status = 'queued', error = null, hint = null,
       added_at = clock_timestamp(), read_attempt = d.read_attempt + 1, read_until = null
 where d.sha256 <> excluded.sha256 or d.status = 'error' or excluded.source_url is not null
returning d.id
