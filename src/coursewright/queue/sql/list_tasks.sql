-- A job's tasks in the order in which they were created.
select id, job_id, task_identifier, task_type, status, dependencies, lesson_id, path_id, section_index, section_title,
       attempt, generation, rescues, current_retry_count, max_retry_count, input_data, output_data, result_metadata,
       error_message, error_category, recovery_suggestions, started_at, completed_at, actual_duration_seconds
  from public.course_generation_tasks
 where job_id = %(job_id)s
   and (%(identifiers)s::text[] is null or task_identifier = any (%(identifiers)s::text[]))
 order by seq
