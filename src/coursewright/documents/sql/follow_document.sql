-- A document of the application's that is new or has changed, to be read in the background. No row: one of that name was
-- uploaded here.
insert into coursewright.documents as d (knowledge_base_id, name, sha256, bytes, content_type, source_url, background,
                                         status, error, hint, followed_at, source_id, source_version)
values (%(knowledge_base_id)s, %(name)s, %(sha256)s, coalesce(length(%(content)s::bytea), 0), %(content_type)s,
        %(source_url)s, true, case when %(error)s::text is null then 'queued' else 'error' end, %(error)s, %(hint)s,
        clock_timestamp(), %(source_id)s, %(version)s)
on conflict (knowledge_base_id, name) do update
   set sha256 = excluded.sha256, bytes = excluded.bytes, content_type = excluded.content_type,
       source_url = excluded.source_url, background = true, status = excluded.status, error = excluded.error,
       hint = excluded.hint, added_at = clock_timestamp(), read_attempt = d.read_attempt + 1, read_until = null,
       followed_at = excluded.followed_at, source_id = excluded.source_id, source_version = excluded.source_version
 where d.followed_at is not null
returning d.id
