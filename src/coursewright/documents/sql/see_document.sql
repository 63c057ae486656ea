-- Mark a document of the application's as still there, if it is what it was and could be read.
update coursewright.documents d set followed_at = clock_timestamp(), source_id = %(source_id)s
 where d.knowledge_base_id = %(knowledge_base_id)s and d.name = %(name)s and d.followed_at is not null
   and d.status <> 'error' and d.source_url is not distinct from %(source_url)s and %(error)s::text is null
   and case when d.source_url is null then d.sha256 = %(sha256)s else d.source_version = %(version)s end
returning d.id
