-- Store a job's course; a repeated attempt writes the same again.
insert into coursewright.courses (job_id, organisation_id, knowledge_base_id, title, course, quality)
values (%(job_id)s, %(organisation_id)s, %(knowledge_base_id)s, %(title)s, %(course)s, %(quality)s)
on conflict (job_id) do update set title = excluded.title, course = excluded.course, quality = excluded.quality
