-- Lease ready tasks, with all that a step needs. What is read beside the function is as it was before the claim; only
-- columns that a claim does not change are taken.
select c.id as task_id, c.job_id, c.attempt, t.task_identifier as identifier, t.task_type as type, t.generation,
       t.dependencies, t.lesson_id, t.path_id, t.section_index, t.input_data as input, t.current_retry_count as failures,
       j.organisation_id, j.base_class_id, j.job_type, j.job_data as request
  from coursewright.claim_tasks(%(worker)s, %(room)s, make_interval(secs => %(lease)s), %(only_job)s) c
  join public.course_generation_tasks t on t.id = c.id
  join public.course_generation_jobs j on j.id = c.job_id
