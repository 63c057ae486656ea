-- What an operator watches: name, label, value.
select 'jobs' as name, j.status as label, count(*)::float as value
  from public.course_generation_jobs j where j.status in ('queued', 'processing', 'paused') group by 2
union all
select 'queue_age', '', coalesce(extract(epoch from clock_timestamp() - min(greatest(q.created_at, q.scheduled_for))), 0)
  from public.course_generation_queue q where q.ready
union all
select 'ready_entries', '', coalesce(sum(r.ready), 0)::float from coursewright.rotation r where r.ready > 0
union all
select 'tasks', t.task_type || ' ' || t.status, count(*)::float
  from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
 where j.status = 'processing' group by 2
union all
select 'leases', case when l.expires_at < clock_timestamp() then 'expired' else 'held' end, count(*)::float
  from coursewright.leases l group by 2
union all
select 'unread_documents', d.status, count(*)::float
  from coursewright.documents d where d.background and d.status in ('queued', 'processing') group by 2
