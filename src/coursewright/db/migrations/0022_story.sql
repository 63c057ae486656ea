-- A job's story: what users read (logs), every failure (errors), what users did (user actions), what it took (metrics);
-- and the bell for those who watch a job. Lines name their task without a foreign key: a story outlives a task that goes,
-- and deleting a job would else look for each of its tasks in the lines of all jobs.

create table if not exists public.course_generation_logs (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    task_id uuid,
    level text not null default 'info' check (level in ('info', 'warning', 'error', 'critical')),
    message text not null,
    source text,
    details jsonb,
    error_code text,
    created_at timestamptz not null default clock_timestamp()
);
create index if not exists course_generation_logs_job on public.course_generation_logs (job_id, created_at);

create table if not exists public.course_generation_errors (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    task_id uuid,
    task_identifier text,
    task_type text,
    attempt integer,
    error_message text,
    error_details jsonb,
    error_severity text,
    error_category text,
    is_recoverable boolean,
    recovery_suggestions text[],
    will_retry boolean not null default false,
    created_at timestamptz not null default clock_timestamp()
);
create index if not exists course_generation_errors_job on public.course_generation_errors (job_id, created_at);

create table if not exists public.course_generation_user_actions (
    id uuid primary key default gen_random_uuid(),
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    user_id uuid,
    action_type text not null,
    task_ids uuid[] not null default '{}',
    action_context jsonb,
    created_at timestamptz not null default clock_timestamp()
);
create index if not exists course_generation_user_actions_job
    on public.course_generation_user_actions (job_id, created_at);

-- What a task makes, in words.
create function coursewright.tell_task(job uuid, identifier text) returns text stable language sql as $$
    select case t.task_type
               when 'knowledge_analysis' then 'the analysis of the knowledge base'
               when 'outline_generation' then 'the outline'
               when 'lesson_section' then format('the section “%s”', t.section_title)
               when 'lesson_assessment' then format('the questions of “%s”', lesson.title)
               when 'lesson_mind_map' then format('the mind map of “%s”', lesson.title)
               when 'lesson_brainbytes' then format('the brain bytes of “%s”', lesson.title)
               when 'path_quiz' then 'the quiz of a module'
               when 'class_exam' then 'the exam'
               when 'content_validation' then 'the check of the whole course'
               else t.task_identifier end
      from public.course_generation_tasks t
      left join lateral (
           select s.input_data #>> '{lesson,title}' as title from public.course_generation_tasks s
            where s.job_id = t.job_id and s.task_identifier = format('section-%s-1', t.lesson_id)) lesson on true
     where t.job_id = job and t.task_identifier = identifier
$$;

-- Jobs that somebody watches over HTTP at this moment. Only their events ring: a transaction that notifies takes a lock
-- of the whole server until it has committed, so that with a bell for every event one commit at a time would get through.
create unlogged table coursewright.watched (job_id uuid primary key, until timestamptz not null);
alter table coursewright.watched enable row level security;

create function coursewright.tell_events() returns trigger language plpgsql as $$
begin
    insert into public.course_generation_logs (job_id, task_id, level, message, source, details, created_at)
    select e.job_id, t.id,
           case e.kind when 'task_failed' then 'error' when 'job_failed' then 'critical'
                       when 'task_skipped' then 'warning' when 'job_cancelled' then 'warning' else 'info' end,
           case e.kind
               when 'job_started' then 'Work on the course has begun.'
               when 'task_completed' then format('Finished %s.', coalesce(told, e.task))
               when 'task_failed' then coalesce(format('Could not finish %s: %s', coalesce(told, e.task), e.error),
                                                format('%s tasks failed: %s', e.many, e.error))
               when 'task_skipped' then format('Skipped %s tasks.', e.many)
               when 'tasks_retried' then format('Doing %s tasks again, and what follows from them.', e.many)
               when 'job_paused' then 'Paused.'
               when 'job_resumed' then 'Going on.'
               when 'job_cancelled' then 'Cancelled.'
               when 'job_completed' then coalesce('The course is finished, but: ' || e.error, 'The course is finished.')
               when 'job_failed' then coalesce('No course came out: ' || e.error, 'No course came out.')
               else replace(e.kind, '_', ' ') end,
           'queue', e.payload, e.created_at
      from (select a.*, a.payload ->> 'task' as task, a.payload ->> 'error' as error,
                   case when a.payload ? 'tasks' then jsonb_array_length(a.payload -> 'tasks') end as many
              from added a) e
      left join public.course_generation_tasks t on t.job_id = e.job_id and t.task_identifier = e.task
      left join lateral coursewright.tell_task(e.job_id, e.task) told on e.task is not null
     order by e.job_id, e.number;
    perform pg_notify('coursewright_events', w.job_id::text) from coursewright.watched w
      where w.until > clock_timestamp() and w.job_id in (select a.job_id from added a);
    return null;
end $$;
create trigger coursewright_tell_events after insert on coursewright.events
    referencing new table as added for each statement execute function coursewright.tell_events();

-- Every failure of an attempt, also one that is tried again.
create function coursewright.keep_error() returns trigger language plpgsql as $$
begin
    insert into public.course_generation_errors (
        job_id, task_id, task_identifier, task_type, attempt, error_message, error_details, error_severity,
        error_category, is_recoverable, recovery_suggestions, will_retry)
    values (new.job_id, new.id, new.task_identifier, new.task_type, new.attempt, new.error_message, new.error_details,
            new.error_severity, new.error_category, new.is_recoverable, new.recovery_suggestions,
            new.status = 'retrying');
    if new.status = 'retrying' then
        insert into public.course_generation_logs (job_id, task_id, level, message, source, details, error_code)
        values (new.job_id, new.id, 'warning',
                format('%s did not succeed and is tried again: %s',
                       regexp_replace(coursewright.tell_task(new.job_id, new.task_identifier), '^t', 'T'),
                       new.error_message),
                'queue', new.error_details, new.error_category);
    end if;
    return null;
end $$;
create trigger coursewright_keep_error after update of status on public.course_generation_tasks
    for each row when (old.status = 'running' and new.status in ('retrying', 'failed'))
    execute function coursewright.keep_error();

-- A change of the job's state is an event, whoever wrote it: a transition of the queue or another program. The row is
-- locked by the very update, so the number is free.
create function coursewright.tell_status() returns trigger language plpgsql as $$
declare
    told text := case when new.status in ('completed', 'failed', 'cancelled', 'paused') then 'job_' || new.status
                      when old.status = 'paused' and new.status in ('queued', 'processing') then 'job_resumed' end;
begin
    if told is not null then
        new.event_count := greatest(new.event_count, old.event_count) + 1;
        insert into coursewright.events (job_id, number, kind, payload)
        values (new.id, new.event_count, told, jsonb_build_object(
            'completed', new.completed_tasks, 'failed', new.failed_tasks, 'skipped', new.skipped_tasks,
            'total', new.total_tasks, 'progress', new.progress_percentage)
            || case when new.status in ('completed', 'failed') then jsonb_build_object('error', new.error_message)
                    else '{}' end);
    end if;
    if new.status in ('completed', 'failed', 'cancelled') then
        new.estimated_completion_time := null;
        new.performance_metrics := coalesce(new.performance_metrics, '{}') || coursewright.measure_job(new);
    end if;
    return new;
end $$;
create function coursewright.measure_job(job public.course_generation_jobs) returns jsonb stable language sql as $$
    select jsonb_build_object(
        'queuedSeconds', round(extract(epoch from job.started_at - job.created_at), 3),
        'totalSeconds', round(extract(epoch from coalesce(job.completed_at, clock_timestamp()) - job.started_at), 3),
        'workSeconds', sum(k.seconds), 'attempts', sum(k.attempts), 'retries', sum(k.retries), 'rescues', sum(k.rescues),
        'tasksByType', coalesce(jsonb_object_agg(k.task_type, jsonb_build_object(
            'count', k.n, 'seconds', k.seconds, 'longest', k.longest)) filter (where k.task_type is not null), '{}'))
      from (select t.task_type, count(*) as n, round(sum(t.actual_duration_seconds)::numeric, 3) as seconds,
                   max(t.actual_duration_seconds) as longest, sum(t.attempt) as attempts,
                   sum(t.current_retry_count) as retries, sum(t.rescues) as rescues
              from public.course_generation_tasks t where t.job_id = job.id group by 1) k
$$;
create trigger coursewright_tell_status before update of status on public.course_generation_jobs
    for each row when (old.status is distinct from new.status) execute function coursewright.tell_status();

-- What a job's calls to models have cost, in US dollars: what is settled, and what may have been billed.
create function coursewright.job_spend(job uuid) returns numeric stable language sql as $$
    select coalesce(sum(coalesce(s.cost, s.reserved)), 0) from coursewright.sends s
     where s.job_id = job and s.state in ('settled', 'suspected')
$$;

-- When the job will probably be finished, from the pace so far.
create function coursewright.estimate_completion() returns trigger language plpgsql as $$
declare
    settled constant integer := new.completed_tasks + new.failed_tasks + new.skipped_tasks;
begin
    if new.status = 'processing' and new.started_at is not null and settled > 2 then
        new.estimated_completion_time := clock_timestamp() + (clock_timestamp() - new.started_at)
            / settled * greatest(0, greatest(new.total_tasks, new.expected_tasks) - settled);
    end if;
    return new;
end $$;
create trigger coursewright_estimate before update of completed_tasks, total_tasks on public.course_generation_jobs
    for each row execute function coursewright.estimate_completion();

do $$
declare
    named text;
begin
    foreach named in array array['logs', 'errors', 'user_actions'] loop
        named := 'public.course_generation_' || named;
        execute format('alter table %s enable row level security', named);
        if exists (select from pg_roles where rolname = 'coursewright_api') then
            execute format('grant select, insert, update, delete on %s to coursewright_api', named);
            execute format('create policy coursewright_api on %s to coursewright_api using (exists (
                select from public.course_generation_jobs j where j.id = job_id))', named);
        end if;
    end loop;
end $$;
