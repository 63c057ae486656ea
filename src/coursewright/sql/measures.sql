-- What an operator watches: name, labels, value. Every part finds its rows by an index, or reads a small table.
select 'jobs' as name, '{queued}'::text[] as labels, coalesce(sum(r.ready), 0)::float as value
  from coursewright.rotation r where r.ready > 0
union all
select 'jobs', '{scheduled}', count(*)::float from public.course_generation_queue q where q.scheduled
union all
select 'jobs', '{processing}', count(*)::float from public.course_generation_jobs j
 where j.status = 'processing' and coursewright.is_ours(j.job_type)
union all
select 'jobs', '{paused}', count(*)::float from public.course_generation_jobs j
 where j.status = 'paused' and coursewright.is_ours(j.job_type)
union all
select 'jobs_needing_action', '{}', count(j.error_message)::float
  from public.course_generation_jobs j where j.status = 'paused' and coursewright.is_ours(j.job_type)
union all
select 'queue_age_seconds', '{}', coalesce(extract(epoch from clock_timestamp() - (
           select min(greatest(q.created_at, q.scheduled_for)) from public.course_generation_queue q where q.ready)), 0)
union all
select 'tasks', array[t.task_type, t.status], count(*)::float
  from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
 where j.status = 'processing' group by 2
union all
select 'task_wait_seconds', '{}', coalesce(max(extract(epoch from clock_timestamp() - w.since)), 0)
  from (select min(t.run_at) as since
          from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
         where j.status = 'processing' and t.status in ('queued', 'retrying') and not t.held
           and t.run_at <= statement_timestamp()) w
union all
select 'leases', array[case when l.expires_at < clock_timestamp() then 'expired' else 'held' end], count(*)::float
  from coursewright.leases l group by 2
union all
select 'workers', '{}', count(*)::float from coursewright.workers w where w.expires_at > clock_timestamp()
union all
select 'ticks_running', '{}', count(*)::float
  from coursewright.ticks k where k.ended_at is null and k.ends_at > statement_timestamp()
union all
select 'unread_documents', array[d.status], count(*)::float
  from coursewright.documents d where d.background and d.status in ('queued', 'processing') group by 2
union all
select 'unread_documents_age_seconds', '{}', coalesce(extract(epoch from clock_timestamp() - min(d.added_at)), 0)
  from coursewright.documents d where d.background and d.status in ('queued', 'processing')
union all
select 'model_breaker_state', array[b.model, s.state], max((s.state = b.now)::int)::float
  from (select model, case when state = 'open' and reopen_at <= clock_timestamp() then 'half_open' else state end as now
          from coursewright.breakers) b, unnest('{closed,half_open,open}'::text[]) s (state) group by 2
union all
select 'model_calls_in_flight', array[s.model], count(*)::float
  from coursewright.sends s where s.state in ('waiting', 'submitting', 'submitted') group by 2
union all
select 'model_calls_waiting', array[c.model], count(*)::float
  from coursewright.calls c where c.ticket_due is not null group by 2
union all
select 'budget_use_ratio', array[u.scope], max(u.spent / u.cap)::float from (
    select 'month' as scope, b.settled + b.suspected + b.reserved as spent,
           coalesce(b.cap, l.month_cap, %(month_cap)s::numeric) as cap
      from coursewright.budgets b left join coursewright.spending_limits l on l.organisation_id = b.owner
     where b.scope = 'month' and b.period = date_trunc('month', statement_timestamp() at time zone 'utc')::date
    union all
    select 'organisation', b.settled + b.suspected + b.reserved, coalesce(b.cap, l.total_cap)
      from coursewright.spending_limits l
      join coursewright.budgets b on (b.scope, b.owner, b.period) = ('organisation', l.organisation_id, '-infinity')
    union all
    select 'job', b.settled + b.suspected + b.reserved, b.cap
      from public.course_generation_jobs j
      join coursewright.budgets b on (b.scope, b.owner, b.period) = ('job', j.id, '-infinity')
     where j.status = 'processing'
    union all
    select 'job', b.settled + b.suspected + b.reserved, b.cap
      from public.course_generation_jobs j
      join coursewright.budgets b on (b.scope, b.owner, b.period) = ('job', j.id, '-infinity')
     where j.status = 'paused') u
 where u.cap > 0 group by 2
