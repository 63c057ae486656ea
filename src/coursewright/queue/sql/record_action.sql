-- Write down what a user did, in the table of actions and, for pages that read the job alone, in its row.
with acted as (
    insert into public.course_generation_user_actions (job_id, user_id, action_type, task_ids, action_context)
    select j.id, %(user_id)s, %(action)s, %(task_ids)s::uuid[], %(context)s
      from public.course_generation_jobs j where j.id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true
    returning job_id, user_id, action_type, task_ids, created_at)
update public.course_generation_jobs j
   set user_actions = coalesce(j.user_actions, '[]') || jsonb_build_object(
           'actionType', a.action_type, 'taskIds', a.task_ids, 'userId', a.user_id, 'createdAt', a.created_at)
  from acted a where j.id = a.job_id returning j.id
