-- All jobs, and those that are not finished.
select count(*), count(*) filter (where j.status in ('queued', 'processing', 'paused'))
  from public.course_generation_jobs j
