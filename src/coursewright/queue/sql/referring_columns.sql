-- The columns of a job by which it refers to the application's own rows, under a constraint.
select a.attname::text as name
  from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
 where c.conrelid = 'public.course_generation_jobs'::regclass and c.conname = %(constraint)s
