-- Why tasks of a job wait, where that is known, and for how many seconds at most.
select t.waits_because as because, max(extract(epoch from t.run_at - clock_timestamp()))::float as seconds
  from public.course_generation_tasks t
 where t.job_id = %(job_id)s and t.status = 'queued' and t.waits_because is not null and t.run_at > clock_timestamp()
 group by 1 order by 2 desc
