-- Wake the workers for a job.
select pg_notify('coursewright', '') from public.course_generation_jobs
 where id = %(job_id)s and (organisation_id = %(organisation_id)s) is true
