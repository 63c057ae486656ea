-- Which of a worker's leases still hold, and whether their job was ended by somebody.
select l.task_id, j.status in ('completed', 'failed', 'cancelled') as cancelled
  from unnest(%(task_ids)s::uuid[], %(attempts)s::int[]) as mine (task_id, attempt)
  join coursewright.leases l on l.task_id = mine.task_id and l.attempt = mine.attempt
  join public.course_generation_jobs j on j.id = l.job_id
