-- The jobs whose id begins with what was typed; two are enough to know that it says too little.
select id
  from public.course_generation_jobs
 where id between rpad(replace(%(start)s::text, '-', ''), 32, '0')::uuid and rpad(replace(%(start)s::text, '-', ''), 32, 'f')::uuid
   and starts_with(id::text, %(start)s) and coursewright.is_ours(job_type)
   and (organisation_id = %(organisation_id)s or %(organisation_id)s::uuid is null)
 limit 2
