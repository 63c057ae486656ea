-- The jobs whose id begins with what was typed; two are enough to know that it says too little.
select id
  from public.course_generation_jobs
 where starts_with(id::text, %(start)s)
   and (organisation_id = %(organisation_id)s or %(organisation_id)s::uuid is null)
 limit 2
