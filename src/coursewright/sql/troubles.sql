-- What an operator has to see to: what it is, whose, and in words. Run by hand: it may look at every job.
select 'needs_action' as kind, j.id::text as about, j.error_message as detail
  from public.course_generation_jobs j
 where j.status = 'paused' and j.error_message is not null and coursewright.is_ours(j.job_type)
union all
select 'breaker', b.model, coalesce(b.last_error, 'it does not answer')
  from coursewright.breakers b where b.state <> 'closed' and b.counted_at > clock_timestamp() - interval '1 hour'
union all
select 'poison', t.job_id::text, t.task_identifier
  from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
 where j.failed_tasks > 0 and j.updated_at > clock_timestamp() - interval '1 day'
   and t.status = 'failed' and t.error_category = 'resource_exhausted' and t.rescues > 0
union all
select 'deadly', t.job_id::text, t.task_identifier || ' (' || t.rescues || ' workers)'
  from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
 where j.status = 'processing' and t.rescues > 1 and t.status in ('queued', 'running', 'retrying')
union all
select 'document', d.knowledge_base_id::text, d.name || ' (' || d.read_lost || ' workers)'
  from coursewright.documents d where d.background and d.status in ('queued', 'processing') and d.read_lost > 0
union all
select 'waits', t.job_id::text, t.waits_because
  from public.course_generation_jobs j join public.course_generation_tasks t on t.job_id = j.id
 where j.status = 'processing' and t.status = 'queued' and t.run_at > clock_timestamp() and t.waits_because is not null
 group by 1, 2, 3
union all
select 'last_tick', max(k.began_at)::text, extract(epoch from clock_timestamp() - max(k.began_at))::text
  from coursewright.ticks k having max(k.began_at) > clock_timestamp() - interval '10 minutes'
