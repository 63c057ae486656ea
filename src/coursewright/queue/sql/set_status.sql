-- Pause, resume or cancel by writing the job's status; the trigger on it does the rest. No row: the state forbids it.
update public.course_generation_jobs
   set status = %(status)s, error_message = coalesce(%(because)s, error_message), updated_at = clock_timestamp(),
       completed_at = case when %(status)s = 'cancelled' then clock_timestamp() else completed_at end
 where id = %(job_id)s and status = any (%(allowed)s::text[]) and coursewright.is_ours(job_type)
returning id
