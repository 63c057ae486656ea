-- A job's story, oldest first: the newest lines of it.
select created_at, level, message from (
    select l.created_at, l.level, l.message, l.id from public.course_generation_logs l
     where l.job_id = %(job_id)s order by l.created_at desc, l.id desc limit %(most)s) l
 order by l.created_at, l.id
