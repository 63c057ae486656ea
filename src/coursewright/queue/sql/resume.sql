-- A paused job goes back to the queue, with what it has done: limits of jobs at once hold for it as for any other.
update public.course_generation_jobs j
   set updated_at = clock_timestamp(), error_message = null, status = 'queued'
 where j.id = %(job_id)s and j.status = 'paused' and coursewright.is_ours(j.job_type)
returning id
