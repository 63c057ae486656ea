-- One job as its page shows it: the row, counts of its tasks, the outline and the newest messages.
select j.id, j.user_id, j.organisation_id, j.base_class_id, j.job_type, j.status, j.progress_percentage, j.job_data,
       j.result_data, j.generation_config, j.performance_metrics, j.retry_configuration, j.user_actions,
       j.error_message, j.total_tasks, j.completed_tasks, j.failed_tasks, j.skipped_tasks, j.estimated_completion_time,
       j.actual_completion_time, j.created_at, j.started_at, j.completed_at, j.updated_at, j.is_cleared,
       j.confetti_shown, j.event_count, t.running_tasks, t.pending_tasks,
       case when j.status = 'processing' then greatest(0, extract(epoch from
           j.estimated_completion_time - clock_timestamp()))::float end as eta_seconds,
       coursewright.job_spend(j.id)::float as spend_usd,
       (select o.result_metadata -> 'outline' from public.course_generation_tasks o
         where o.job_id = j.id and o.task_identifier = 'outline') as outline,
       (select coalesce(jsonb_agg(m.line order by m.created_at, m.id), '[]') from (
           select l.id, l.created_at, jsonb_build_object(
                      'message', l.message, 'created_at', l.created_at, 'level', l.level) as line
             from public.course_generation_logs l where l.job_id = j.id
            order by l.created_at desc, l.id desc limit %(messages)s) m) as messages
  from public.course_generation_jobs j,
       lateral (select count(*) filter (where t.status = 'running')::int as running_tasks,
                       count(*) filter (where t.status in ('pending', 'queued', 'retrying'))::int as pending_tasks
                  from public.course_generation_tasks t where t.job_id = j.id) t
 where j.id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true and coursewright.is_ours(j.job_type)
