-- Delete a job; tasks, entry, leases, events, course and story go with it.
delete from public.course_generation_jobs
 where id = %(job_id)s and (organisation_id = %(organisation_id)s) is true and coursewright.is_ours(job_type)
returning id
