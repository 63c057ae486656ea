-- A Supabase project with the application's own tables, as they were before Coursewright: run as the role of migrations,
-- which is no superuser. Roles and the schema auth are made by the test.
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;

create table public.organisations (id uuid primary key default gen_random_uuid(), name text not null);
create table public.base_classes (
    id uuid primary key default gen_random_uuid(), name text not null, description text,
    organisation_id uuid not null references public.organisations (id));

create table public.course_generation_jobs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id),
    organisation_id uuid not null references public.organisations (id),
    base_class_id uuid not null references public.base_classes (id),
    job_type text not null check (job_type in ('generate_course', 'generate_course_v2', 'translate_course')),
    status text not null default 'queued' check (status in ('queued', 'processing', 'completed', 'failed')),
    progress_percentage integer not null default 0 check (progress_percentage between 0 and 100),
    job_data jsonb not null default '{}',
    result_data jsonb,
    error_message text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create table public.course_generation_queue (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    priority integer not null default 5,
    status text not null default 'pending',
    scheduled_for timestamptz,
    worker_id text,
    locked_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint queue_words check (status = any (array['pending', 'processing', 'completed', 'failed', 'stale']))
);
create table public.course_generation_tasks (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    task_identifier text not null,
    task_type text not null check (task_type in ('lesson_section', 'lesson_assessment', 'path_quiz', 'class_exam')),
    status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed')),
    base_class_id uuid not null,
    error_severity text check (error_severity in ('low', 'high')),
    error_category text check (error_category in ('api_timeout', 'validation_failed')),
    actual_duration_seconds integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (job_id, task_identifier)
);
create table public.course_generation_logs (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    level text not null check (level in ('info', 'error')),
    message text not null
);

create table public.documents (
    id uuid primary key default gen_random_uuid(),
    base_class_id uuid not null references public.base_classes (id) on delete cascade,
    name text not null,
    mime_type text,
    content text,
    file bytea,
    link text,
    storage_path text,
    updated_at timestamptz not null default now()
);
create table public.course_outlines (
    id uuid primary key default gen_random_uuid(),
    base_class_id uuid not null references public.base_classes (id),
    user_id uuid not null references auth.users (id),
    title text not null,
    outline jsonb not null
);
create table public.paths (
    id bigint primary key generated always as identity,
    course_outline_id uuid not null references public.course_outlines (id) on delete cascade,
    title text not null,
    order_index integer not null
);
create table public.lessons (
    id uuid primary key default gen_random_uuid(),
    path_id bigint not null references public.paths (id) on delete cascade,
    title text not null check (length(title) < 300),
    content text not null,
    order_index integer not null
);

alter table public.course_generation_jobs enable row level security;
alter table public.course_generation_queue enable row level security;
alter table public.course_generation_tasks enable row level security;
create policy own_jobs on public.course_generation_jobs for all to authenticated
    using (user_id = auth.uid()) with check (user_id = auth.uid());
create policy own_tasks on public.course_generation_tasks for select to authenticated
    using (exists (select from public.course_generation_jobs j where j.id = job_id and j.user_id = auth.uid()));
create policy own_entries on public.course_generation_queue for insert to authenticated
    with check (exists (select from public.course_generation_jobs j where j.id = job_id and j.user_id = auth.uid()));

create function public.touch() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end $$;
create trigger touch before update on public.course_generation_jobs for each row execute function public.touch();
create trigger touch before update on public.course_generation_tasks for each row execute function public.touch();

create function public.dequeue_course_job(worker_id text)
returns table (id uuid, job_id uuid, priority integer) language sql security definer as $$
    update public.course_generation_queue q set status = 'processing', locked_at = now()
     where q.id = (select e.id from public.course_generation_queue e where e.status = 'pending' limit 1)
    returning q.id, q.job_id, q.priority
$$;

create publication supabase_realtime for table public.course_generation_jobs;

insert into public.organisations (id, name) values ('00000000-0000-0000-0000-00000000000a', 'Ours');
insert into public.base_classes (id, name, organisation_id)
values ('00000000-0000-0000-0000-0000000000ba', 'Bees', '00000000-0000-0000-0000-00000000000a');
-- Asked for before Coursewright came.
insert into public.course_generation_jobs (id, user_id, organisation_id, base_class_id, job_type, job_data)
values ('00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-0000000000aa',
        '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000ba', 'generate_course_v2',
        '{"title": "From before"}'),
       ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-0000000000aa',
        '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-0000000000ba', 'translate_course', '{}');
insert into public.course_generation_queue (job_id) select id from public.course_generation_jobs;
insert into public.course_generation_queue (job_id, status) select id, 'stale' from public.course_generation_jobs limit 1;
