-- Tasks whose lease has expired and that nobody has rescued yet.
select t.task_identifier from coursewright.leases l
  join public.course_generation_tasks t on t.id = l.task_id
  join public.course_generation_jobs j on j.id = l.job_id
 where l.job_id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true and l.expires_at < clock_timestamp()
 order by t.seq
