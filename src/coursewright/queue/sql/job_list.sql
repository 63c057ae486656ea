-- An organisation's jobs, newest first, from behind a place; of one user, or of those that are not cleared, if so asked.
select j.id, j.user_id, j.base_class_id, j.job_type, j.status, j.progress_percentage, j.job_data, j.result_data,
       j.error_message, j.total_tasks, j.completed_tasks, j.failed_tasks, j.skipped_tasks, j.created_at, j.started_at,
       j.completed_at, j.updated_at, j.is_cleared
  from public.course_generation_jobs j
 where j.organisation_id = %(organisation_id)s and coursewright.is_ours(j.job_type)
   and (%(user_id)s::uuid is null or j.user_id = %(user_id)s::uuid)
   and (%(statuses)s::text[] is null or j.status = any (%(statuses)s::text[]))
   and (%(before_time)s::timestamptz is null
        or (j.created_at, j.id) < (%(before_time)s::timestamptz, %(before_id)s::uuid))
   and not (%(uncleared)s and j.is_cleared)
 order by j.created_at desc, j.id desc limit %(most)s
