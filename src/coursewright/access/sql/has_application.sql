-- Whether users and organisations are those of an application: Supabase's, or whatever its tables refer to.
select exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'auth' and c.relname = 'users')
    or exists (select from pg_constraint c
                where c.conrelid = 'public.course_generation_jobs'::regclass and c.contype = 'f') as found
