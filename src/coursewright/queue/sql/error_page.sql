-- Every failure of an attempt, oldest first.
select e.id, e.job_id, e.task_id, e.task_identifier, e.task_type, e.attempt, e.error_message, e.error_details,
       e.error_severity, e.error_category, e.is_recoverable, coalesce(e.recovery_suggestions, '{}') as recovery_suggestions,
       e.will_retry, e.created_at
  from public.course_generation_errors e
  join public.course_generation_jobs j on j.id = e.job_id
 where e.job_id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true
 order by e.created_at, e.id
