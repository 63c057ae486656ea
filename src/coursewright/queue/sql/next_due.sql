-- Seconds until the next task, entry or lease is due by its own time; null when nothing waits for the clock.
select extract(epoch from least(
    (select min(t.run_at) from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
      where j.status = 'processing' and t.status in ('queued', 'retrying') and not t.held
        and (j.id = %(only_job)s or %(only_job)s::uuid is null)),
    (select min(q.scheduled_for) from public.course_generation_queue q where q.scheduled),
    (select min(l.expires_at) from coursewright.leases l)) - clock_timestamp())::float as seconds
