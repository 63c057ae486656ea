-- Every change of state is one function call in a transaction of its own: a client that is stopped, killed or slow
-- never holds a lock, and nobody sees half a change. Each statement inside takes a fresh snapshot after the job's lock,
-- so two last dependencies that complete together see each other.
--
-- Locks: admission (mutex), rotation, then job and entry with SKIP LOCKED (never waits); all others: job, tasks,
-- entry, rotation. Claiming takes tasks with SKIP LOCKED and waits for nobody.

-- Admission -----------------------------------------------------------------------------------------------------------

-- Entries whose time has come join the ready ones; a few at a time.
create function coursewright.promote_entries() returns void language sql as $$
    with due as (
        select q.id from public.course_generation_queue q
         where q.scheduled and q.scheduled_for <= statement_timestamp()
         order by q.scheduled_for limit 100 for update of q skip locked)
    update public.course_generation_queue q set updated_at = clock_timestamp() from due where q.id = due.id;
$$;

-- Admit the first entry of one organisation whose rotation row the caller has locked; null when there is none, or when
-- others hold what there is. The head stays before an entry that was passed over because somebody held it.
create function coursewright.admit_from(organisation uuid, worker text) returns jsonb language plpgsql as $$
declare
    head record;
    earliest record;
    picked record;
    job public.course_generation_jobs;
begin
    select r.head_rank as rank, r.head_seq as seq into head
      from coursewright.rotation r where r.organisation_id = organisation;
    select - q.priority as rank, q.seq into earliest from public.course_generation_queue q
     where q.organisation_id = organisation and q.ready and (- q.priority, q.seq) >= (head.rank, head.seq)
     order by - q.priority, q.seq limit 1;
    select q.id, q.job_id, q.priority, q.seq, q.scheduled_for into picked
      from public.course_generation_queue q join public.course_generation_jobs j on j.id = q.job_id
     where q.organisation_id = organisation and q.ready and (- q.priority, q.seq) >= (earliest.rank, earliest.seq)
     order by - q.priority, q.seq limit 1 for update of q, j skip locked;
    if not found then
        return null;
    end if;
    update public.course_generation_queue
       set status = 'processing', worker_id = worker, locked_at = clock_timestamp() where id = picked.id;
    update public.course_generation_jobs
       set status = 'processing', started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp()
     where id = picked.job_id returning * into job;
    update coursewright.rotation
       set last_admitted = clock_timestamp(), head_rank = earliest.rank, head_seq = earliest.seq
     where organisation_id = organisation;
    return jsonb_build_object('id', picked.id, 'job_id', picked.job_id, 'priority', picked.priority,
                              'scheduled_for', picked.scheduled_for, 'job', to_jsonb(job));
end $$;

-- Admit the next job: organisations in turn (fewest running, then longest unserved), inside one by priority, then age.
-- Returns {id, job_id, priority, scheduled_for, job}, or null when nothing is admissible.
create function public.dequeue_course_job(worker_id text) returns jsonb language plpgsql as $$
declare
    room integer;
    turn uuid;
    held_up uuid;
    admitted jsonb;
begin
    select a.max_running into room from coursewright.admission a for update;
    perform coursewright.promote_entries();
    if room <= (select coalesce(sum(r.running), 0) from coursewright.rotation r where r.running > 0) then
        return null;
    end if;
    for turn in select r.organisation_id from coursewright.rotation r
                 where r.ready > 0 and r.running < r.max_running
                 order by r.running, r.last_admitted, r.organisation_id loop
        perform from coursewright.rotation r where r.organisation_id = turn for update skip locked;
        if not found then
            held_up := coalesce(held_up, turn);
            continue;
        end if;
        admitted := coursewright.admit_from(turn, dequeue_course_job.worker_id);
        if admitted is not null then
            return admitted;
        end if;
        -- Somebody holds the entries, or the row has drifted from them: begin at their beginning next time.
        update coursewright.rotation r
           set head_rank = -2147483648, head_seq = 0,
               ready = case when exists (select from public.course_generation_queue q
                                          where q.organisation_id = turn and q.ready) then r.ready else 0 end
         where r.organisation_id = turn;
    end loop;
    if held_up is not null then
        -- A row is held for as long as somebody's transaction that inserts an entry. Wait, but not for ever: this one
        -- holds the mutex of all.
        perform set_config('lock_timeout', '250ms', true);
        begin
            perform from coursewright.rotation r where r.organisation_id = held_up for update;
            return coursewright.admit_from(held_up, dequeue_course_job.worker_id);
        exception when lock_not_available then
            return null;
        end;
    end if;
    return null;
end $$;

-- Insert tasks from [{identifier, type, dependencies, …}]; those without dependencies are ready. Returns how many.
create function coursewright.insert_tasks(job uuid, specs jsonb) returns integer language plpgsql as $$
declare
    inserted integer;
begin
    insert into public.course_generation_tasks (
        job_id, task_identifier, task_type, status, dependencies, execution_priority, lesson_id, path_id,
        base_class_id, section_index, section_title, max_retry_count, estimated_duration_seconds, queued_at,
        input_data, decisive, needs, deadline_seconds)
    select job, s.identifier, s.type, case when s.dependencies = '{}' then 'queued' else 'pending' end, s.dependencies,
           s.priority, s.lesson_id, s.path_id, j.base_class_id, s.section_index, s.section_title, s.max_retries,
           s.estimated_seconds, case when s.dependencies = '{}' then clock_timestamp() end,
           s.input, s.decisive, s.needs, s.deadline_seconds
      from rows from (jsonb_to_recordset(specs) as (
           identifier text, type text, dependencies text[], priority integer, lesson_id text, path_id text,
           section_index integer, section_title text, max_retries integer, estimated_seconds integer, input jsonb,
           decisive boolean, needs text, deadline_seconds double precision)) with ordinality as s (
           identifier, type, dependencies, priority, lesson_id, path_id, section_index, section_title, max_retries,
           estimated_seconds, input, decisive, needs, deadline_seconds, place)
      join public.course_generation_jobs j on j.id = job
     order by s.place
    on conflict (job_id, task_identifier) do nothing;
    get diagnostics inserted = row_count;
    if exists (select from jsonb_to_recordset(specs) as s (identifier text, dependencies text[])
                cross join unnest(s.dependencies) as wanted
                where not exists (select from public.course_generation_tasks t
                                   where t.job_id = job and t.task_identifier = wanted)) then
        raise exception 'a task depends on a task that does not exist' using errcode = 'foreign_key_violation';
    end if;
    return inserted;
end $$;

-- Admit one job and give it its first tasks ({job_type: [task, …]}) in the same transaction.
create function coursewright.admit(worker text, first_tasks jsonb, expected integer) returns jsonb
language plpgsql as $$
declare
    admitted jsonb := public.dequeue_course_job(worker);
begin
    perform coursewright.begin_job((admitted ->> 'job_id')::uuid, first_tasks, expected);
    return admitted;
end $$;

-- Give an admitted job without tasks its first ones.
create function coursewright.begin_job(job uuid, first_tasks jsonb, expected integer) returns void
language plpgsql as $$
declare
    kind text;
begin
    select j.job_type into kind from public.course_generation_jobs j where j.id = job and j.total_tasks = 0;
    if found and first_tasks ? kind then
        update public.course_generation_jobs
           set total_tasks = coursewright.insert_tasks(job, first_tasks -> kind), expected_tasks = expected
         where id = job;
        perform coursewright.record_event(job, 'job_started', '{}');
    elsif exists (select from public.course_generation_jobs j where j.id = job and j.total_tasks > 0)
        and not coursewright.has_open_tasks(job) then
        perform coursewright.finish_job(job);  -- queued again by another program, with nothing left to do
    end if;
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

-- Jobs that lost their way: queued without an entry; admitted by somebody who never began.
create function coursewright.sweep_jobs(first_tasks jsonb, expected integer, silence interval) returns integer
language plpgsql as $$
declare
    stray record;
    found_strays integer := 0;
begin
    for stray in select j.id from public.course_generation_jobs j
                  where j.status = 'queued' and j.job_type in (select t.name from coursewright.job_types t)
                    and j.created_at < clock_timestamp() - silence
                    and not exists (select from public.course_generation_queue q
                                     where q.job_id = j.id and q.status in ('pending', 'queued', 'processing'))
                  order by j.id limit 100 for update skip locked loop
        insert into public.course_generation_queue (job_id) values (stray.id);
        found_strays := found_strays + 1;
    end loop;
    for stray in select j.id from public.course_generation_jobs j
                   join public.course_generation_queue q on q.job_id = j.id and q.status = 'processing'
                  where j.status = 'processing' and j.total_tasks = 0
                    and q.locked_at < clock_timestamp() - silence
                  order by j.id limit 100 for update of j skip locked loop
        perform coursewright.begin_job(stray.id, first_tasks, expected);
        found_strays := found_strays + 1;
    end loop;
    return found_strays;
end $$;

-- Leases --------------------------------------------------------------------------------------------------------------

-- Lease up to `room` ready tasks: the organisation, then the job, with the fewest leases goes first. Slots are dealt out
-- among the jobs first; each job's tasks are then locked in the order of its ready index, past those that others lock.
-- All that a step needs is returned from inside: the caller's snapshot is older than the function's and may not hold
-- a task that was created in between.
create function coursewright.claim_tasks(worker text, room integer, lease interval, only_job uuid)
returns table (task_id uuid, job_id uuid, attempt integer, identifier text, type text, generation integer,
               dependencies text[], lesson_id text, path_id text, section_index integer, input jsonb, failures integer,
               organisation_id uuid, base_class_id uuid, job_type text, request jsonb) language plpgsql set enable_seqscan = off as $$
#variable_conflict use_column
declare
    deal record;
begin
    for deal in
        with held as (
            select l.organisation_id, l.job_id, count(*) as n from coursewright.leases l group by 1, 2),
        active as (
            select j.id, coalesce(j.organisation_id, coursewright.nobody()) as organisation_id, j.ready
              from (select j.id, j.organisation_id,
                           (select count(*) from (
                               select from public.course_generation_tasks r
                                where r.job_id = j.id and r.status in ('queued', 'retrying') and not r.held
                                  and r.run_at <= clock_timestamp() limit room) r) as ready
                      from public.course_generation_jobs j
                     where j.status = 'processing' and (only_job is null or j.id = only_job)) j
             where j.ready > 0),
        loaded as (
            select a.id, a.organisation_id, a.ready, coalesce((select h.n from held h where h.job_id = a.id), 0) as job_load,
                   coalesce((select sum(h.n) from held h where h.organisation_id = a.organisation_id), 0) as org_load
              from active a),
        slot as (
            select l.id, l.organisation_id, l.org_load, l.job_load + n as job_turn,
                   l.org_load + row_number() over (partition by l.organisation_id order by l.job_load + n, l.id) as org_turn
              from loaded l cross join lateral generate_series(1, l.ready) n),
        dealt as (select s.id from slot s order by s.org_turn, s.job_turn, s.id limit room)
        select d.id, coalesce(j.organisation_id, coursewright.nobody()) as organisation_id, count(*) as share
          from dealt d join public.course_generation_jobs j on j.id = d.id group by 1, 2 order by 1
    loop
        return query
        with chosen as (
            select t.id from public.course_generation_tasks t
             where t.job_id = deal.id and t.status in ('queued', 'retrying') and not t.held
               and t.run_at <= clock_timestamp()
             order by t.execution_priority desc, t.seq limit deal.share for update skip locked),
        running as (
            update public.course_generation_tasks t
               set status = 'running', attempt = t.attempt + 1, started_at = clock_timestamp(), waits_for = null,
                   updated_at = clock_timestamp()
              from chosen c where t.id = c.id
            returning t.*),
        leased as (
            insert into coursewright.leases (
                task_id, job_id, organisation_id, attempt, worker_id, expires_at, deadline_at)
            select r.id, deal.id, deal.organisation_id, r.attempt, worker,
                   clock_timestamp() + least(lease, make_interval(secs => r.deadline_seconds)),
                   clock_timestamp() + make_interval(secs => r.deadline_seconds)
              from running r)
        select r.id, r.job_id, r.attempt, r.task_identifier, r.task_type, r.generation, r.dependencies, r.lesson_id,
               r.path_id, r.section_index, r.input_data, r.current_retry_count, j.organisation_id, j.base_class_id,
               j.job_type, j.job_data
          from running r join public.course_generation_jobs j on j.id = r.job_id;
    end loop;
end $$;

-- Lock the job of a leased task and end the lease. Returns the job; no row when the lease is lost.
create function coursewright.end_lease(task uuid, fence integer) returns setof public.course_generation_jobs
language plpgsql as $$
declare
    job public.course_generation_jobs;
begin
    select j.* into job from public.course_generation_jobs j
     where j.id = (select l.job_id from coursewright.leases l where l.task_id = task and l.attempt = fence) for update;
    if found then
        delete from coursewright.leases l where l.task_id = task and l.attempt = fence;
        if found then
            return next job;
        end if;
    end if;
end $$;

-- Complete a task; its dependants become ready, new tasks join, the job advances. False when the lease is lost.
create function coursewright.complete_task(
    task uuid, fence integer, output jsonb, metadata jsonb, new_tasks jsonb, result jsonb) returns boolean
language plpgsql as $$
declare
    job public.course_generation_jobs;
    done public.course_generation_tasks;
    added integer := 0;
    doomed integer := 0;
begin
    select * into job from coursewright.end_lease(task, fence);
    if not found then
        return false;
    end if;
    update public.course_generation_tasks t
       set status = 'completed', output_data = output, result_metadata = metadata, completed_at = clock_timestamp(),
           actual_duration_seconds = round(extract(epoch from clock_timestamp() - t.started_at)::numeric, 3),
           error_message = null, error_details = null, error_category = null, error_severity = null,
           updated_at = clock_timestamp()
     where t.id = task and t.attempt = fence and t.status = 'running' returning * into done;
    if not found then
        raise exception 'task % has a lease but is not running', task;
    end if;
    if new_tasks is not null and job.status in ('processing', 'paused') then
        added := coursewright.insert_tasks(job.id, new_tasks);
        select u.skipped into doomed from coursewright.unblock(job.id, (select array_agg(t.task_identifier)
            from public.course_generation_tasks t
           where t.job_id = job.id and t.status in ('completed', 'failed', 'skipped', 'cancelled'))) u;
        update public.course_generation_jobs set skipped_tasks = skipped_tasks + doomed where id = job.id and doomed > 0;
    end if;
    perform coursewright.advance(job.id, array[done.task_identifier], 'task_completed', added, result,
        jsonb_build_object('task', done.task_identifier, 'type', done.task_type));
    return true;
end $$;

-- Pending tasks whose dependencies are settled become ready; those that a failure dooms are skipped. Returns both counts.
create function coursewright.unblock(job uuid, settled text[], out readied integer, out skipped integer)
language plpgsql as $$
declare
    doomed text[];
begin
    skipped := 0;
    if exists (select from public.course_generation_tasks d
                where d.job_id = job and d.task_identifier = any (settled)
                  and d.status in ('failed', 'skipped', 'cancelled')) then
        doomed := coursewright.skip_doomed(job, settled);
        skipped := coalesce(cardinality(doomed), 0);
    end if;
    update public.course_generation_tasks t
       set status = 'queued', queued_at = clock_timestamp(), run_at = clock_timestamp(), updated_at = clock_timestamp(),
           held = (select j.status = 'paused' from public.course_generation_jobs j where j.id = job)
     where t.job_id = job and t.status = 'pending' and t.dependencies && (settled || coalesce(doomed, '{}'))
       and not exists (
           select from public.course_generation_tasks d
            where d.job_id = job and d.task_identifier = any (t.dependencies) and d.status <> 'completed'
              and not (t.needs = 'settled' and d.status in ('failed', 'skipped', 'cancelled')));
    get diagnostics readied = row_count;
    if readied > 0 then
        perform pg_notify('coursewright', '');
    end if;
end $$;

-- Skip all that needs, directly or through others, a task that did not succeed. Returns their identifiers.
create function coursewright.skip_doomed(job uuid, settled text[]) returns text[] language sql as $$
    with recursive doom as (
        select t.id, t.task_identifier, d.task_identifier as cause
          from public.course_generation_tasks d
          join public.course_generation_tasks t on t.job_id = d.job_id and d.task_identifier = any (t.dependencies)
         where d.job_id = job and d.task_identifier = any (settled) and d.status in ('failed', 'skipped', 'cancelled')
           and t.status = 'pending' and t.needs = 'completed'
        union
        select t.id, t.task_identifier, d.cause
          from doom d join public.course_generation_tasks t
            on t.job_id = job and d.task_identifier = any (t.dependencies)
         where t.status = 'pending' and t.needs = 'completed'),
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

-- After tasks settled: unblock, count, record one event, and finish the job when nothing is left.
create function coursewright.advance(
    job uuid, settled text[], kind text, added integer, result jsonb, payload jsonb) returns void
language plpgsql as $$
declare
    j public.course_generation_jobs;
    also_skipped integer := 0;
begin
    select * into j from public.course_generation_jobs where id = job;
    if j.status in ('queued', 'processing', 'paused') then
        select u.skipped into also_skipped from coursewright.unblock(job, settled) u;
    end if;
    j.total_tasks := j.total_tasks + added;
    j.completed_tasks := j.completed_tasks + case when kind = 'task_completed' then cardinality(settled) else 0 end;
    j.failed_tasks := j.failed_tasks + case when kind = 'task_failed' then cardinality(settled) else 0 end;
    j.skipped_tasks := j.skipped_tasks + also_skipped
        + case when kind = 'task_skipped' then cardinality(settled) else 0 end;
    j.progress_percentage := greatest(j.progress_percentage, least(99, 100
        * (j.completed_tasks + j.failed_tasks + j.skipped_tasks) / greatest(j.total_tasks, j.expected_tasks, 1)));
    j.event_count := j.event_count + 1;
    update public.course_generation_jobs c
       set total_tasks = j.total_tasks, completed_tasks = j.completed_tasks, failed_tasks = j.failed_tasks,
           skipped_tasks = j.skipped_tasks, progress_percentage = j.progress_percentage, event_count = j.event_count,
           result_data = case when result is null then c.result_data else coalesce(c.result_data, '{}') || result end,
           updated_at = clock_timestamp()
     where c.id = job;
    insert into coursewright.events (job_id, number, kind, payload) values (job, j.event_count, kind, payload
        || jsonb_build_object('completed', j.completed_tasks, 'failed', j.failed_tasks, 'skipped', j.skipped_tasks,
                              'total', j.total_tasks, 'progress', j.progress_percentage));
    if j.status in ('processing', 'paused') and j.completed_tasks + j.failed_tasks + j.skipped_tasks >= j.total_tasks then
        perform coursewright.finish_job(job);
    end if;
end $$;

-- All tasks are settled: the job is completed, or failed when a decisive task is missing.
create function coursewright.finish_job(job uuid) returns void language plpgsql as $$
declare
    j public.course_generation_jobs;
    missing record;
    verdict text;
begin
    select t.task_identifier, t.error_message into missing from public.course_generation_tasks t
     where t.job_id = job and t.decisive and t.status <> 'completed'
     order by t.status = 'failed' desc, t.seq limit 1;
    verdict := case when found then 'failed' else 'completed' end;
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
     where c.id = job returning * into j;
    perform coursewright.record_event(job, 'job_' || verdict, jsonb_build_object('error', j.error_message));
    perform pg_notify('coursewright', '');
end $$;

-- A step that failed: again at `retry_in` while tries are left, else the task fails alone. False when the lease is lost.
create function coursewright.fail_task(
    task uuid, fence integer, retry_in interval, category text, message text, details jsonb, severity text,
    recoverable boolean, suggestions text[]) returns boolean
language plpgsql as $$
declare
    job public.course_generation_jobs;
    failed public.course_generation_tasks;
begin
    select * into job from coursewright.end_lease(task, fence);
    if not found then
        return false;
    end if;
    update public.course_generation_tasks t
       set status = case when job.status in ('completed', 'failed', 'cancelled') then 'cancelled'
                         when recoverable and t.current_retry_count < t.max_retry_count then 'retrying'
                         else 'failed' end,
           held = job.status = 'paused', run_at = clock_timestamp() + retry_in, last_retry_at = clock_timestamp(),
           current_retry_count = t.current_retry_count + 1, updated_at = clock_timestamp(),
           error_category = category, error_message = message, error_details = details, error_severity = severity,
           is_recoverable = recoverable, recovery_suggestions = suggestions,
           actual_duration_seconds = round(extract(epoch from clock_timestamp() - t.started_at)::numeric, 3)
     where t.id = task and t.attempt = fence and t.status = 'running' returning * into failed;
    if failed.status = 'failed' then
        update public.course_generation_tasks set completed_at = clock_timestamp(),
               current_retry_count = least(current_retry_count, max_retry_count) where id = task;
        perform coursewright.advance(job.id, array[failed.task_identifier], 'task_failed', 0, null,
            jsonb_build_object('task', failed.task_identifier, 'type', failed.task_type, 'error', message));
    end if;
    return true;
end $$;

-- Hand a task back without a failure: later, when a call settles, or at once. False when the lease is lost.
create function coursewright.release_task(task uuid, fence integer, again_in interval, call uuid) returns boolean
language plpgsql as $$
declare
    job public.course_generation_jobs;
begin
    select * into job from coursewright.end_lease(task, fence);
    if not found then
        return false;
    end if;
    update public.course_generation_tasks t
       set status = case when job.status in ('completed', 'failed', 'cancelled') then 'cancelled' else 'queued' end,
           held = job.status = 'paused', run_at = clock_timestamp() + again_in, waits_for = call,
           updated_at = clock_timestamp()
     where t.id = task and t.attempt = fence and t.status = 'running';
    if again_in <= interval '0' then
        perform pg_notify('coursewright', '');
    end if;
    return true;
end $$;

-- Leases that expired: the task is ready again, or fails as poison when it has outlived too many workers.
create function coursewright.rescue_tasks(max_rescues integer) returns integer language plpgsql as $$
declare
    stalled uuid;
    state text;
    poisoned text[];
    n integer;
    rescued integer := 0;
begin
    for stalled in select distinct l.job_id from coursewright.leases l
                    where l.expires_at < clock_timestamp() order by 1 loop
        select j.status into state from public.course_generation_jobs j where j.id = stalled for update;
        with expired as (
            delete from coursewright.leases l where l.job_id = stalled and l.expires_at < clock_timestamp()
            returning l.task_id, l.attempt),
        back as (
            update public.course_generation_tasks t
               set rescues = t.rescues + 1, held = state = 'paused',
                   -- Tasks that fell together rise apart, so that one that kills its worker does not take the same
                   -- neighbours along until all of them are poison.
                   run_at = clock_timestamp() + random() * t.rescues * interval '2 s',
                   updated_at = clock_timestamp(),
                   status = case when state in ('completed', 'failed', 'cancelled') then 'cancelled'
                                 when t.rescues >= max_rescues then 'failed' else 'queued' end,
                   error_category = case when t.rescues >= max_rescues then 'resource_exhausted' else t.error_category end,
                   error_severity = case when t.rescues >= max_rescues then 'critical' else t.error_severity end,
                   error_message = case when t.rescues >= max_rescues then format(
                       'Poison: %s workers were lost or hung while they carried out this task.', t.rescues + 1) else t.error_message end,
                   completed_at = case when t.rescues >= max_rescues then clock_timestamp() end
              from expired e where t.id = e.task_id and t.attempt = e.attempt and t.status = 'running'
            returning t.task_identifier, t.status)
        select count(*), array_agg(b.task_identifier) filter (where b.status = 'failed') into n, poisoned from back b;
        rescued := rescued + n;
        if poisoned is not null then
            perform coursewright.advance(stalled, poisoned, 'task_failed', 0, null,
                jsonb_build_object('tasks', poisoned, 'error', 'poison'));
        end if;
    end loop;
    if rescued > 0 then
        perform pg_notify('coursewright', '');
    end if;
    return rescued;
end $$;

-- What a user asks for ------------------------------------------------------------------------------------------------

-- Settle tasks by hand: they count as skipped, a running one is fenced off. Returns how many.
create function coursewright.skip_tasks(job uuid, wanted uuid[]) returns integer language plpgsql as $$
declare
    skipped text[];
begin
    perform from public.course_generation_jobs j where j.id = job and j.status in ('queued', 'processing', 'paused')
        for update;
    if not found then
        return 0;
    end if;
    delete from coursewright.leases l where l.job_id = job and l.task_id = any (wanted);
    with changed as (
        update public.course_generation_tasks t
           set status = 'skipped', completed_at = clock_timestamp(), updated_at = clock_timestamp(),
               error_message = 'Skipped by a user.', error_category = 'skipped_by_user', error_severity = 'low'
         where t.job_id = job and t.id = any (wanted) and not t.decisive
           and t.status in ('pending', 'queued', 'running', 'retrying') returning t.task_identifier)
    select array_agg(c.task_identifier) into skipped from changed c;
    if skipped is not null then
        perform coursewright.advance(job, skipped, 'task_skipped', 0, null, jsonb_build_object('tasks', skipped));
    end if;
    return coalesce(cardinality(skipped), 0);
end $$;

-- Do tasks again (a new generation), and all that follows from them. A finished job goes back to the queue.
create function coursewright.retry_tasks(job uuid, wanted uuid[]) returns integer language plpgsql as $$
declare
    state text;
    again text[];
begin
    select j.status into state from public.course_generation_jobs j where j.id = job for update;
    select array_agg(t.task_identifier) into again from public.course_generation_tasks t
     where t.job_id = job and t.id = any (wanted) and t.status in ('completed', 'failed', 'skipped', 'cancelled');
    if again is null then
        return 0;
    end if;
    with recursive follow as (
        select t.id, t.task_identifier, true as asked from public.course_generation_tasks t
         where t.job_id = job and t.task_identifier = any (again)
        union
        select t.id, t.task_identifier, false from follow f
          join public.course_generation_tasks t on t.job_id = job and f.task_identifier = any (t.dependencies)),
    fate as (select f.id, bool_or(f.asked) as asked from follow f group by 1),
    fenced as (delete from coursewright.leases l using fate where l.task_id = fate.id)
    update public.course_generation_tasks t
       set status = 'pending', generation = t.generation + fate.asked::int, current_retry_count = 0, rescues = 0,
           output_data = null, result_metadata = null, error_message = null, error_details = null,
           error_category = null, error_severity = null, is_recoverable = null, recovery_suggestions = null,
           started_at = null, completed_at = null, waits_for = null, held = false, updated_at = clock_timestamp()
      from fate where t.id = fate.id;
    update public.course_generation_tasks t set status = 'pending', completed_at = null, held = false
     where t.job_id = job and t.status = 'cancelled';
    update public.course_generation_jobs j
       set status = case when state in ('completed', 'failed', 'cancelled') then 'queued' else j.status end,
           progress_percentage = case when state in ('completed', 'failed', 'cancelled') then 0
                                      else j.progress_percentage end,
           error_message = null, completed_at = null, actual_completion_time = null, updated_at = clock_timestamp()
     where j.id = job;
    update public.course_generation_tasks t
       set status = 'queued', queued_at = clock_timestamp(), run_at = clock_timestamp(), held = state = 'paused'
     where t.job_id = job and t.status = 'pending' and t.dependencies = '{}';
    perform coursewright.unblock(job, (select array_agg(t.task_identifier)
        from public.course_generation_tasks t where t.job_id = job));
    update public.course_generation_jobs j
       set (total_tasks, completed_tasks, failed_tasks, skipped_tasks) = (
               select count(*), count(*) filter (where t.status = 'completed'),
                      count(*) filter (where t.status = 'failed'), count(*) filter (where t.status = 'skipped')
                 from public.course_generation_tasks t where t.job_id = job)
     where j.id = job;
    perform coursewright.record_event(job, 'tasks_retried', jsonb_build_object('tasks', again));
    if not coursewright.has_open_tasks(job) then  -- what was asked for is doomed by what was not
        perform coursewright.finish_job(job);
    elsif state in ('completed', 'failed', 'cancelled') then
        insert into public.course_generation_queue (job_id, priority)
        select job, coalesce((select q.priority from public.course_generation_queue q
                               where q.job_id = job order by q.seq desc limit 1), 5);
    end if;
    return cardinality(again);
end $$;
