-- An organisation's jobs, newest first.
select id, organisation_id, user_id, base_class_id, job_type, status, progress_percentage, job_data, result_data,
       error_message, total_tasks, completed_tasks, failed_tasks, skipped_tasks, event_count,
       created_at, started_at, completed_at, updated_at
  from public.course_generation_jobs
 where coursewright.is_ours(job_type)
   and (organisation_id = %(organisation_id)s or %(organisation_id)s::uuid is null)
 order by created_at desc, id limit %(most)s
