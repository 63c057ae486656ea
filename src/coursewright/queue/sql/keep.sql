-- Settle something for a job, once: of two that do, the first is right.
update public.course_generation_jobs set job_data = %(settled)s || job_data
 where id = %(job_id)s returning job_data
