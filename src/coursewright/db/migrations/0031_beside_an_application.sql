-- Life in somebody else's database (Supabase): rows that were there before are taken up, roles of the application reach
-- what is meant for them and nothing else, its pages see changes.

-- Triggers work for whoever writes a row, also for a role that may not touch the schema coursewright.
do $$
declare
    named text;
begin
    foreach named in array array[
        'derive_entry', 'count_entries', 'note_inserted', 'ring', 'obey_job_status', 'tell_events', 'keep_error', 'tell_status',
        'estimate_completion'] loop
        execute format('alter function coursewright.%I() security definer set search_path = pg_catalog, pg_temp', named);
    end loop;
end $$;

-- Admission is for workers, also for those of other programs; by default everybody could call it (Supabase grants even
-- anon).
alter function public.dequeue_course_job(text) security definer set search_path = pg_catalog, pg_temp;

do $$
declare
    named text;
begin
    revoke execute on all functions in schema coursewright from public;
    revoke execute on function public.dequeue_course_job(text) from public;
    if exists (select from pg_roles where rolname = 'coursewright_api') then
        grant execute on all functions in schema coursewright to coursewright_api;
    end if;
    foreach named in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = named) then
            execute format('revoke execute on function public.dequeue_course_job(text) from %I', named);
        end if;
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
        grant execute on function public.dequeue_course_job(text) to service_role;
        grant select, insert, update, delete on public.course_generation_jobs, public.course_generation_queue,
            public.course_generation_tasks, public.course_generation_logs, public.course_generation_errors,
            public.course_generation_user_actions to service_role;
    end if;
end $$;

-- Pages read their user's rows where the application has no rule of its own.
do $$
declare
    rule record;
begin
    if not exists (select from pg_roles where rolname = 'authenticated') or to_regprocedure('auth.uid()') is null then
        return;
    end if;
    for rule in select * from (values
            ('jobs', 'user_id = auth.uid()'),
            ('queue', 'exists (select from public.course_generation_jobs j where j.id = job_id)'),
            ('tasks', 'exists (select from public.course_generation_jobs j where j.id = job_id)'),
            ('logs', 'exists (select from public.course_generation_jobs j where j.id = job_id)'),
            ('errors', 'exists (select from public.course_generation_jobs j where j.id = job_id)'),
            ('user_actions', 'exists (select from public.course_generation_jobs j where j.id = job_id)')) r (name, condition)
    loop
        execute format('grant select on public.%I to authenticated', 'course_generation_' || rule.name);
        if not exists (select from pg_policies p where p.schemaname = 'public'
                          and p.tablename = 'course_generation_' || rule.name
                          and p.cmd in ('SELECT', 'ALL') and p.roles && array['authenticated', 'public']::name[]) then
            execute format('create policy coursewright_owner on public.%I for select to authenticated using (%s)',
                           'course_generation_' || rule.name, rule.condition);
        end if;
    end loop;
end $$;

-- Supabase Realtime tells pages of changes in the tables of this publication.
do $$
declare
    named text;
begin
    if exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables) then
        foreach named in array array['jobs', 'tasks', 'logs'] loop
            if not exists (select from pg_publication_tables t where t.pubname = 'supabase_realtime'
                              and t.schemaname = 'public' and t.tablename = 'course_generation_' || named) then
                execute format('alter publication supabase_realtime add table public.%I', 'course_generation_' || named);
            end if;
        end loop;
    end if;
end $$;

-- Entries that were there before: writing them derives what the queue needs to know.
insert into coursewright.rotation (organisation_id)
select distinct coalesce(j.organisation_id, coursewright.nobody())
  from public.course_generation_queue q join public.course_generation_jobs j on j.id = q.job_id
on conflict do nothing;
update public.course_generation_queue set updated_at = updated_at where status in ('pending', 'queued', 'processing');
select coursewright.note_unentered(array(select j.id from public.course_generation_jobs j where j.status = 'queued'));
