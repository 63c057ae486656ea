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
               when 'path_quiz' then coalesce('the quiz of “' || module.title || '”', 'the quiz of a module')
               when 'class_exam' then 'the exam'
               when 'content_validation' then 'the check of the whole course'
               else t.task_identifier end
      from public.course_generation_tasks t
      left join lateral (
           select s.input_data #>> '{lesson,title}' as title from public.course_generation_tasks s
            where s.job_id = t.job_id and s.task_identifier = format('section-%s-1', t.lesson_id)) lesson on true
      left join lateral (
           select m ->> 'title' as title
             from public.course_generation_tasks o, jsonb_path_query(o.output_data, '$.modules[*]') m
            where t.task_type = 'path_quiz' and o.job_id = t.job_id and o.task_identifier = 'outline'
              and m ->> 'id' = t.path_id) module on true
     where t.job_id = job and t.task_identifier = identifier
$$;

-- Who acts: whom the service answers, else our own program, else another one.
create function coursewright.actor() returns text stable language sql as $$
    select case when coalesce(current_setting('coursewright.actor', true), '') <> ''
                then 'by ' || current_setting('coursewright.actor', true)
                when current_setting('application_name', true) like 'coursewright%' then 'on the command line'
                else 'by another program' end
$$;

create function coursewright.many(n bigint, one text) returns text immutable language sql as $$
    select format('%s %s%s', n, one, case when n = 1 then '' else 's' end)
$$;

-- Record an event that may happen over and over: the same one again only after ten minutes. `same` names the field that
-- makes it the same. Takes the job's lock.
create function coursewright.tell(job uuid, kind text, payload jsonb, same text) returns void
language plpgsql as $$
begin
    perform from public.course_generation_jobs j
      where j.id = job and j.status not in ('completed', 'failed', 'cancelled') for no key update;
    if found and not exists (
        select from (select e.kind, e.payload, e.created_at from coursewright.events e
                      where e.job_id = job order by e.number desc limit 100) e
         where e.kind = tell.kind and e.payload ->> same is not distinct from tell.payload ->> same
           and e.created_at > clock_timestamp() - interval '10 minutes') then
        perform coursewright.record_event(job, kind, payload);
    end if;
end $$;

-- What an event means, in words.
create function coursewright.tell_in_words(of_job uuid, kind text, payload jsonb) returns text stable
language plpgsql as $$
declare
    error text := payload ->> 'error';
    many integer := case when payload ? 'tasks' then jsonb_array_length(payload -> 'tasks') end;
    identifier text := coalesce(payload ->> 'task', case when many = 1 then payload #>> '{tasks,0}' end);
    task public.course_generation_tasks;
    told text;
    doomed integer;
    job public.course_generation_jobs;
    product text;
begin
    select * into job from public.course_generation_jobs j where j.id = of_job;
    product := case job.job_type when 'generate_outline' then 'outline' else 'course' end;
    if identifier is not null then
        select * into task from public.course_generation_tasks t
         where t.job_id = of_job and t.task_identifier = identifier;
        told := coalesce(coursewright.tell_task(of_job, identifier), identifier);
    end if;
    case kind
    when 'job_started' then
        return format('Work on the %s has begun.', product);
    when 'task_completed' then
        if task.task_type = 'outline_generation' and task.result_metadata ? 'outline' then
            return (select format('The outline of “%s” is made: %s, %s.', o ->> 'title',
                        coursewright.many(jsonb_array_length(o -> 'paths'), 'module'),
                        coursewright.many((select sum(jsonb_array_length(p -> 'lessons'))
                                             from jsonb_array_elements(o -> 'paths') p)::bigint, 'lesson'))
                      from (select task.result_metadata -> 'outline' as o) x);
        end if;
        return format('Finished %s%s.', told, case when task.result_metadata ? 'substituted' then
            ' with the built-in author, because no reply of the model could be used' else '' end);
    when 'task_failed' then
        if told is null then
            return format('%s failed: %s', coursewright.many(many, 'task'), error);
        end if;
        select count(*) into doomed from public.course_generation_tasks t
         where t.job_id = of_job and t.status = 'skipped' and t.error_category = 'dependency_failed'
           and t.error_message like 'Skipped, because ' || identifier || ' %';
        return format('Could not finish %s: %s', told, error)
            || case when doomed > 0 then format(' Skipped with it: %s.', coursewright.many(doomed, 'task')) else '' end;
    when 'task_skipped' then
        return format('Skipped %s %s.', coalesce(told, coursewright.many(many, 'task')), coursewright.actor());
    when 'tasks_retried' then
        return format('Doing %s again, and what follows, as asked %s.',
                      coalesce(told, coursewright.many(many, 'task')), coursewright.actor());
    when 'tasks_rescued' then
        return format('A worker vanished while it was at %s; %s begun again.',
                      coalesce(told, coursewright.many(many, 'task')), case when many = 1 then 'this is' else 'they are' end);
    when 'job_waits' then
        return format('Waiting: %s.', rtrim(payload ->> 'because', '.'));
    when 'model_changed' then
        return format('%s fails too often at the moment; %s is asked instead.', payload ->> 'from', payload ->> 'to');
    when 'job_paused' then
        return coalesce('Paused: ' || error, format('Paused %s.', coursewright.actor()));
    when 'job_resumed' then
        return format('Going on, as asked %s.', coursewright.actor());
    when 'job_cancelled' then
        return format('Cancelled %s.', coursewright.actor());
    when 'job_completed' then
        return format('The %s is finished', product) || coalesce((
            select format(': %s, %s, %s, %s', coursewright.many((s ->> 'modules')::bigint, 'module'),
                          coursewright.many((s ->> 'lessons')::bigint, 'lesson'),
                          coursewright.many((s ->> 'sections')::bigint, 'section'),
                          coursewright.many((s ->> 'questions')::bigint, 'question'))
              from (select job.result_data -> 'stats' as s) x where s ? 'questions'), '')
            || case when coursewright.job_spend(of_job) > 0
                    then format(', for $%s', round(coursewright.job_spend(of_job), 4)) else '' end
            || coalesce(', but: ' || error, '.');
    when 'job_failed' then
        return format('No %s came out', product) || coalesce(': ' || error, '.');
    else
        return replace(kind, '_', ' ');
    end case;
end $$;

-- Jobs that somebody watches over HTTP at this moment. Only their events ring: a transaction that notifies takes a lock
-- of the whole server until it has committed, so that with a bell for every event one commit at a time would get through.
create unlogged table coursewright.watched (job_id uuid primary key, until timestamptz not null);
alter table coursewright.watched enable row level security;

create function coursewright.tell_events() returns trigger language plpgsql as $$
begin
    insert into public.course_generation_logs (job_id, task_id, level, message, source, details, created_at)
    select a.job_id, t.id,
           case when a.kind in ('task_skipped', 'tasks_rescued', 'model_changed', 'job_cancelled') then 'warning'
                when a.kind in ('job_paused', 'job_completed') and a.payload ->> 'error' is not null then 'warning'
                when a.kind = 'task_failed' then 'error' when a.kind = 'job_failed' then 'critical' else 'info' end,
           coursewright.tell_in_words(a.job_id, a.kind, a.payload), 'queue', a.payload, a.created_at
      from added a
      left join public.course_generation_tasks t on t.job_id = a.job_id and t.task_identifier = a.payload ->> 'task'
     order by a.job_id, a.number;
    -- Lessons whose last parts these were.
    insert into public.course_generation_logs (job_id, level, message, source, created_at)
    select l.job_id, 'info', format('The lesson “%s” is complete.', l.title), 'queue',
           l.at + interval '1 microsecond'
      from (select a.job_id, t.lesson_id, max(t.input_data #>> '{lesson,title}') as title, max(a.created_at) as at
              from added a
              join public.course_generation_tasks t on t.job_id = a.job_id and t.task_identifier = a.payload ->> 'task'
             where a.kind = 'task_completed' and t.lesson_id is not null group by 1, 2) l
     where l.title is not null and not exists (
           select from public.course_generation_tasks t
            where t.job_id = l.job_id and t.lesson_id = l.lesson_id and t.status <> 'completed');
    perform pg_notify('coursewright_events', w.job_id::text) from coursewright.watched w
      where w.until > clock_timestamp() and w.job_id in (select a.job_id from added a);
    return null;
end $$;
create trigger coursewright_tell_events after insert on coursewright.events
    referencing new table as added for each statement execute function coursewright.tell_events();

-- Every failure of an attempt, also one that is tried again.
create function coursewright.keep_error() returns trigger language plpgsql as $$
begin
    if not (select coursewright.is_ours(j.job_type) from public.course_generation_jobs j where j.id = new.job_id) then
        return null;
    end if;
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
    if not coursewright.is_ours(new.job_type) then
        return new;
    end if;
    if told is not null then
        new.event_count := greatest(new.event_count, old.event_count) + 1;
        insert into coursewright.events (job_id, number, kind, payload)
        values (new.id, new.event_count, told, jsonb_build_object(
            'completed', new.completed_tasks, 'failed', new.failed_tasks, 'skipped', new.skipped_tasks,
            'total', new.total_tasks, 'progress', new.progress_percentage)
            || case when new.status in ('completed', 'failed') then jsonb_build_object('error', new.error_message)
                    when new.status = 'paused' and new.error_message is distinct from old.error_message
                    then jsonb_build_object('error', new.error_message)
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
    if new.status = 'processing' and new.started_at is not null and settled > 2 and coursewright.is_ours(new.job_type) then
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
