-- A job's tasks as its page shows them; what goes in and comes out is large and stays away.
select t.id, t.job_id, t.task_identifier, t.task_type, t.status, t.dependencies, t.execution_priority, t.lesson_id,
       t.path_id, t.base_class_id, t.section_index, t.section_title, t.attempt, t.current_retry_count,
       t.max_retry_count, t.estimated_duration_seconds, t.actual_duration_seconds, t.queued_at, t.started_at,
       t.completed_at, t.last_retry_at, t.error_message, t.error_details, t.error_severity, t.error_category,
       t.is_recoverable, coalesce(t.recovery_suggestions, '{}') as recovery_suggestions, t.created_at, t.updated_at
  from public.course_generation_tasks t
  join public.course_generation_jobs j on j.id = t.job_id
 where t.job_id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true
 order by t.seq
