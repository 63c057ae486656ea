-- The outlines that were made from a knowledge base, newest first.
select j.id, j.job_type, j.status, j.created_at, o.result_metadata -> 'outline' as outline
  from public.course_generation_jobs j
  join public.course_generation_tasks o on o.job_id = j.id and o.task_identifier = 'outline' and o.status = 'completed'
 where j.base_class_id = %(base_class_id)s and j.organisation_id = %(organisation_id)s
   and coursewright.is_ours(j.job_type)
 order by j.created_at desc, j.id desc limit 50
