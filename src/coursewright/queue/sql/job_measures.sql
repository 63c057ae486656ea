-- What a job has taken so far.
select coursewright.measure_job(j) as performance, coursewright.job_spend(j.id)::float as spend_usd
  from public.course_generation_jobs j where j.id = %(job_id)s and j.organisation_id = %(organisation_id)s
