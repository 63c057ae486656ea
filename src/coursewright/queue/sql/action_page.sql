-- What users did to a job, oldest first.
select a.id, a.user_id, a.action_type, a.task_ids, a.action_context, a.created_at
  from public.course_generation_user_actions a
  join public.course_generation_jobs j on j.id = a.job_id
 where a.job_id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true
 order by a.created_at, a.id
