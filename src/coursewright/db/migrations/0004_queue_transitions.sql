-- Every change of state is one function call in a transaction of its own: a client that is stopped, killed or slow
-- never holds a lock, and nobody sees half a change. Each statement inside takes a fresh snapshot after the job's lock,
-- so two last dependencies that complete together see each other. Here: what follows from what. Admission, what users
-- ask for, and leases stand in 0006, 0007 and 0008.
--
-- Locks: job, then tasks and leases, entry, rotation (the last two through triggers). Claiming takes tasks with SKIP
-- LOCKED and waits for nobody; admission has an order of its own. The job's lock is NO KEY UPDATE: rows that only refer
-- to the job can be inserted meanwhile.

-- How long steps of a kind took, of the newest 200: the median and the 95th percentile of `n`. Nulls: nobody knows yet.
create function coursewright.learned_seconds(kind text, out typical double precision, out most double precision,
                                             out n bigint) language sql stable as $$
    select percentile_cont(0.5) within group (order by r.actual_duration_seconds),
           percentile_cont(0.95) within group (order by r.actual_duration_seconds), count(*)
      from (select t.actual_duration_seconds from public.course_generation_tasks t
             where t.task_type = kind and t.status = 'completed' and t.actual_duration_seconds is not null
             order by t.completed_at desc limit 200) r;
$$;

-- Insert tasks from [{identifier, type, dependencies, …}]; those without dependencies are ready, unless the job has ended
-- (they wait, cancelled, for a retry). Returns how many.
--
-- What the completion of a task (`creator`) brings follows from it: done again, it says anew what there is to do. A task
-- that it names again keeps its row and generation and gets the new input; one that it no longer names goes.
create function coursewright.insert_tasks(job uuid, specs jsonb, creator text) returns integer language plpgsql as $$
declare
    inserted integer;
    ended boolean;
    paused boolean;
begin
    select j.status in ('completed', 'failed', 'cancelled'), j.status = 'paused' into ended, paused
      from public.course_generation_jobs j where j.id = job;
    with gone as (
        delete from public.course_generation_tasks t
         where t.job_id = job and t.created_by = creator
           and t.task_identifier not in (select s.identifier from jsonb_to_recordset(specs) as s (identifier text))
        returning t.status),
    counted as (
        select count(*) as total, count(*) filter (where g.status = 'completed') as completed,
               count(*) filter (where g.status = 'failed') as failed,
               count(*) filter (where g.status = 'skipped') as skipped from gone g)
    update public.course_generation_jobs j
       set total_tasks = j.total_tasks - c.total, completed_tasks = j.completed_tasks - c.completed,
           failed_tasks = j.failed_tasks - c.failed, skipped_tasks = j.skipped_tasks - c.skipped
      from counted c where j.id = job and c.total > 0;
    with learned as materialized (
        select k.type, ceil(l.typical)::integer as seconds
          from (select distinct s.type from jsonb_to_recordset(specs) as s (type text)) k
         cross join lateral coursewright.learned_seconds(k.type) l),
    written as (
        insert into public.course_generation_tasks as t (
            job_id, task_identifier, task_type, status, dependencies, execution_priority, lesson_id, path_id,
            base_class_id, section_index, section_title, max_retry_count, estimated_duration_seconds, queued_at,
            completed_at, held, input_data, decisive, needs, deadline_seconds, created_by, generation)
        select job, s.identifier, s.type,
               case when ended then 'cancelled' when s.dependencies = '{}' then 'queued' else 'pending' end,
               s.dependencies, s.priority, s.lesson_id, s.path_id, j.base_class_id, s.section_index, s.section_title,
               s.max_retries, l.seconds, case when s.dependencies = '{}' then clock_timestamp() end,
               case when ended then clock_timestamp() end, paused and s.dependencies = '{}',
               s.input, s.decisive, s.needs, s.deadline_seconds, creator, coalesce((
                   select c.generation from public.course_generation_tasks c
                    where c.job_id = job and c.task_identifier = creator), 0)
          from rows from (jsonb_to_recordset(specs) as (
               identifier text, type text, dependencies text[], priority integer, lesson_id text, path_id text,
               section_index integer, section_title text, max_retries integer, input jsonb, decisive boolean, needs text,
               deadline_seconds double precision)) with ordinality as s (
               identifier, type, dependencies, priority, lesson_id, path_id, section_index, section_title, max_retries,
               input, decisive, needs, deadline_seconds, place)
          join public.course_generation_jobs j on j.id = job
          join learned l on l.type = s.type
         order by s.place
        on conflict (job_id, task_identifier) do update
           set task_type = excluded.task_type, dependencies = excluded.dependencies,
               execution_priority = excluded.execution_priority, lesson_id = excluded.lesson_id,
               path_id = excluded.path_id, section_index = excluded.section_index,
               section_title = excluded.section_title, max_retry_count = excluded.max_retry_count,
               estimated_duration_seconds = excluded.estimated_duration_seconds, input_data = excluded.input_data,
               decisive = excluded.decisive, needs = excluded.needs, deadline_seconds = excluded.deadline_seconds,
               updated_at = clock_timestamp()
         where t.created_by = creator and t.status in ('pending', 'cancelled')
        returning xmax = 0 as fresh)
    select count(*) filter (where w.fresh) into inserted from written w;
    if exists (select from jsonb_to_recordset(specs) as s (identifier text, dependencies text[])
                cross join unnest(s.dependencies) as wanted
                where not exists (select from public.course_generation_tasks t
                                   where t.job_id = job and t.task_identifier = wanted)) then
        raise exception 'a task depends on a task that does not exist' using errcode = 'foreign_key_violation';
    end if;
    perform pg_notify('coursewright', '');
    return inserted;
end $$;

create function coursewright.has_open_tasks(job uuid) returns boolean language sql stable as $$
    select exists (select from public.course_generation_tasks t
                    where t.job_id = job and t.status in ('pending', 'queued', 'running', 'retrying'));
$$;

-- Append a numbered event; the caller holds the job's lock.
create function coursewright.record_event(job uuid, kind text, payload jsonb) returns void language sql as $$
    with numbered as (
        update public.course_generation_jobs set event_count = event_count + 1, updated_at = clock_timestamp()
         where id = job returning event_count)
    insert into coursewright.events (job_id, number, kind, payload) select job, event_count, kind, payload from numbered;
$$;

-- Pending tasks whose dependencies are settled become ready; those that a failure dooms are skipped, and counted.
-- `settled` names the tasks that may have changed something; null: look at all. Returns both counts.
create function coursewright.unblock(job uuid, settled text[], out readied integer, out skipped integer)
language plpgsql as $$
declare
    doomed text[];
begin
    doomed := coursewright.skip_doomed(job, settled);
    skipped := coalesce(cardinality(doomed), 0);
    if skipped > 0 then
        update public.course_generation_jobs j set skipped_tasks = j.skipped_tasks + skipped where j.id = job;
    end if;
    readied := coursewright.ready_tasks(job, case when settled is not null then settled || doomed end);
end $$;

-- The part of it that suffices where nothing failed.
create function coursewright.ready_tasks(job uuid, settled text[]) returns integer language plpgsql as $$
declare
    readied integer;
begin
    update public.course_generation_tasks t
       set status = 'queued', queued_at = clock_timestamp(), run_at = clock_timestamp(), updated_at = clock_timestamp(),
           held = (select j.status = 'paused' from public.course_generation_jobs j where j.id = job)
     where t.job_id = job and t.status = 'pending'
       and (settled is null or t.dependencies && settled or t.created_by = any (settled))
       and not exists (
           select from public.course_generation_tasks d
            where d.job_id = job and d.task_identifier = any (array_append(t.dependencies, t.created_by))
              and d.status <> 'completed'
              and not (t.needs = 'settled' and d.status in ('failed', 'skipped', 'cancelled')
                       and d.task_identifier is distinct from t.created_by));
    get diagnostics readied = row_count;
    if readied > 0 then
        perform pg_notify('coursewright', '');
    end if;
    return readied;
end $$;

-- Skip all that needs, directly or through others, a task that did not succeed, and all that such a task has brought
-- (what it would bring now is not known). Returns their identifiers.
create function coursewright.skip_doomed(job uuid, settled text[]) returns text[] language sql as $$
    with recursive doom as (
        select t.id, t.task_identifier, d.task_identifier as cause
          from public.course_generation_tasks d join public.course_generation_tasks t on t.job_id = d.job_id
           and (d.task_identifier = any (t.dependencies) and t.needs = 'completed' or t.created_by = d.task_identifier)
         where d.job_id = job and (settled is null or d.task_identifier = any (settled))
           and d.status in ('failed', 'skipped', 'cancelled') and t.status = 'pending'
        union
        select t.id, t.task_identifier, d.cause
          from doom d join public.course_generation_tasks t on t.job_id = job
           and (d.task_identifier = any (t.dependencies) and t.needs = 'completed' or t.created_by = d.task_identifier)
         where t.status = 'pending'),
    fate as (
        update public.course_generation_tasks t
           set status = 'skipped', completed_at = clock_timestamp(), updated_at = clock_timestamp(),
               error_category = 'dependency_failed', error_severity = 'medium', is_recoverable = true,
               error_message = format('Skipped, because %s did not succeed.', d.cause),
               recovery_suggestions = array[format('Retry %s; this task then follows.', d.cause)]
          from (select doom.id, min(doom.cause) as cause from doom group by 1) d
         where t.id = d.id returning t.task_identifier)
    select array_agg(f.task_identifier) from fate f;
$$;

-- After tasks settled and what follows was unblocked: count, record an event for each payload, and finish the job when
-- nothing is left. `outcome` is completed, failed or skipped.
create function coursewright.advance(job uuid, outcome text, settled integer, added integer, payloads jsonb)
returns void language plpgsql as $$
declare
    j public.course_generation_jobs;
begin
    update public.course_generation_jobs c
       set total_tasks = c.total_tasks + added,
           expected_tasks = case when added > 0 then 0 else c.expected_tasks end,  -- the outline names all that there are
           completed_tasks = c.completed_tasks + case outcome when 'completed' then settled else 0 end,
           failed_tasks = c.failed_tasks + case outcome when 'failed' then settled else 0 end,
           skipped_tasks = c.skipped_tasks + case outcome when 'skipped' then settled else 0 end,
           progress_percentage = greatest(c.progress_percentage, least(99, 100
               * (c.completed_tasks + c.failed_tasks + c.skipped_tasks + settled)
               / greatest(c.total_tasks + added, case when added > 0 then 0 else c.expected_tasks end, 1))),
           event_count = c.event_count + jsonb_array_length(payloads), updated_at = clock_timestamp()
     where c.id = job returning * into j;
    insert into coursewright.events (job_id, number, kind, payload)
    select job, j.event_count - jsonb_array_length(payloads) + p.place, 'task_' || outcome, p.payload
           || jsonb_build_object('completed', j.completed_tasks, 'failed', j.failed_tasks, 'skipped', j.skipped_tasks,
                                 'total', j.total_tasks, 'progress', j.progress_percentage)
      from jsonb_array_elements(payloads) with ordinality p (payload, place);
    if j.status in ('processing', 'paused') and j.completed_tasks + j.failed_tasks + j.skipped_tasks >= j.total_tasks then
        perform coursewright.finish_job(job);
    end if;
end $$;

-- Take a job's counts from its tasks.
create function coursewright.count_tasks(job uuid) returns void language sql as $$
    update public.course_generation_jobs j
       set (total_tasks, completed_tasks, failed_tasks, skipped_tasks) = (
               select count(*), count(*) filter (where t.status = 'completed'),
                      count(*) filter (where t.status = 'failed'), count(*) filter (where t.status = 'skipped')
                 from public.course_generation_tasks t where t.job_id = job)
     where j.id = job;
$$;

-- All tasks are settled: the job is completed, or failed when a decisive task is missing. The counts are taken anew here,
-- in case somebody else wrote into the tasks. The event comes from the trigger on the job's status (0022).
create function coursewright.finish_job(job uuid) returns void language plpgsql as $$
declare
    missing record;
    verdict text;
begin
    select t.task_identifier, t.error_message into missing from public.course_generation_tasks t
     where t.job_id = job and t.decisive and t.status <> 'completed'
     order by t.status = 'failed' desc, t.seq limit 1;
    verdict := case when found then 'failed' else 'completed' end;
    perform coursewright.count_tasks(job);
    update public.course_generation_jobs c
       set status = verdict, progress_percentage = case verdict when 'completed' then 100 else c.progress_percentage end,
           completed_at = clock_timestamp(), actual_completion_time = clock_timestamp(),
           error_message = case
               when verdict = 'failed' then missing.error_message
               when c.failed_tasks + c.skipped_tasks > 0 then
                   format('%s of %s tasks failed and %s were skipped.', c.failed_tasks, c.total_tasks, c.skipped_tasks)
           end,
           result_data = coalesce(c.result_data, '{}') || jsonb_build_object('taskSummary', jsonb_build_object(
               'totalItems', c.total_tasks, 'completedItems', c.completed_tasks, 'failedItems', c.failed_tasks,
               'successRate', round(100.0 * c.completed_tasks / greatest(c.total_tasks, 1), 1),
               'generationTimeMs', round(extract(epoch from clock_timestamp() - coalesce(c.started_at, c.created_at)) * 1000),
               'hasTaskDetails', true,
               'tasksByType', (select jsonb_object_agg(k.task_type, k.n) from (
                   select task_type, count(*) as n from public.course_generation_tasks where job_id = job group by 1) k)))
     where c.id = job;
    perform pg_notify('coursewright', '');
end $$;
