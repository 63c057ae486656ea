-- Seconds until the next task or entry is due by its own time; null when nothing waits for the clock.
select extract(epoch from least(
    (select min(t.run_at) from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
      where j.status = 'processing' and t.status in ('queued', 'retrying') and not t.held),
    (select min(l.expires_at) from coursewright.leases l)) - clock_timestamp())::float as seconds
