-- A paused job goes on where it was: under execution if its entry is, else in the queue.
update public.course_generation_jobs j
   set updated_at = clock_timestamp(), error_message = null, status = case when exists (
           select from public.course_generation_queue q where q.job_id = j.id and q.status = 'processing')
       then 'processing' else 'queued' end
 where j.id = %(job_id)s and j.status = 'paused'
returning id
