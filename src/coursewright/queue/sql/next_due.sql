-- Seconds until the next task, entry or lease is due by its own time; null when nothing waits for the clock.
select extract(epoch from least(
    (select min(t.due) from public.course_generation_jobs j cross join lateral (  -- job by job, whatever is estimated
         select min(o.run_at) as due from public.course_generation_tasks o
          where o.job_id = j.id and o.status in ('queued', 'retrying') and not o.held) t
      where j.status = 'processing' and (j.id = %(only_job)s or %(only_job)s::uuid is null)),
    (select min(q.scheduled_for) from public.course_generation_queue q where q.scheduled),
    (select min(l.expires_at) from coursewright.leases l)) - clock_timestamp())::float as seconds
