-- A cleared job is no longer shown among the active ones.
update public.course_generation_jobs set is_cleared = true
 where id = %(job_id)s and (organisation_id = %(organisation_id)s) is true returning id
