-- What workers do with tasks: claim, complete, fail, release; and the rescue of expired leases.

-- Lease up to `room` ready tasks, none of the kinds that are `unfit` (for the rest of a tick): the organisation, then
-- the job, with the fewest leases goes first. Slots are dealt out
-- among the jobs first; each job's tasks are then locked in the order of its ready index, past those that others lock.
-- All that a step needs is returned from inside: the caller's snapshot is older than the function's and may not hold
-- a task that was created in between.
create function coursewright.claim_tasks(worker text, room integer, lease interval, only_job uuid, unfit text[])
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
                                  and r.run_at <= clock_timestamp() and r.task_type <> all (unfit) limit room) r) as ready
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
               and t.run_at <= clock_timestamp() and t.task_type <> all (unfit)
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

-- Complete tasks from [{job, task, attempt, output, metadata, tasks, result}]. Returns whether each lease was still held;
-- without `wait`, nothing for tasks of jobs that others have locked. All jobs are locked before the first one is touched,
-- and they are finished organisation by organisation, as all who take several rotation rows do.
create function coursewright.complete_tasks(done jsonb, wait boolean) returns table (task uuid, held boolean)
language plpgsql as $$
declare
    wanted uuid[] := array(select distinct (d ->> 'job')::uuid from jsonb_array_elements(done) d);
    locked uuid[];
    job uuid;
    kept uuid[];
begin
    if wait then
        perform from public.course_generation_jobs j where j.id = any (wanted) order by j.id for no key update;
        locked := wanted;
    else
        locked := array(select j.id from public.course_generation_jobs j where j.id = any (wanted)
                         order by j.id for no key update skip locked);
    end if;
    for job in select j.id from public.course_generation_jobs j where j.id = any (locked)
                order by coalesce(j.organisation_id, coursewright.nobody()), j.id loop
        kept := array(select coursewright.complete_tasks_of(job, (
            select jsonb_agg(d) from jsonb_array_elements(done) d where (d ->> 'job')::uuid = job)));
        return query select (d ->> 'task')::uuid, (d ->> 'task')::uuid = any (kept)
                       from jsonb_array_elements(done) d where (d ->> 'job')::uuid = job;
    end loop;
end $$;

-- The part of one job, whose lock the caller holds: dependants become ready, new tasks join, the job advances. Returns
-- the tasks whose lease was still held; nothing changes for the others.
create function coursewright.complete_tasks_of(job uuid, done jsonb) returns setof uuid language plpgsql as $$
declare
    held uuid[];
    settled text[];
    payloads jsonb;
    creator text;
    new_tasks jsonb;
    added integer;
    merged jsonb;
begin
    with mine as (
        select * from jsonb_to_recordset(done) as d (task uuid, attempt integer, output jsonb, metadata jsonb)),
    ended as (
        delete from coursewright.leases l using mine m
         where l.task_id = m.task and l.attempt = m.attempt and l.job_id = job returning l.task_id),
    completed as (
        update public.course_generation_tasks t
           set status = 'completed', output_data = m.output, result_metadata = m.metadata,
               completed_at = clock_timestamp(), updated_at = clock_timestamp(),
               actual_duration_seconds = round(extract(epoch from clock_timestamp() - t.started_at)::numeric, 3),
               error_message = null, error_details = null, error_category = null, error_severity = null
          from mine m join ended e on e.task_id = m.task
         where t.id = m.task and t.attempt = m.attempt and t.status = 'running'
        returning t.id, t.task_identifier, t.task_type)
    select array_agg(c.id), array_agg(c.task_identifier),
           jsonb_agg(jsonb_build_object('task', c.task_identifier, 'type', c.task_type))
      into held, settled, payloads from completed c;
    if held is null then
        return;
    end if;
    for creator, new_tasks in
        select c.identifier, d.tasks from jsonb_to_recordset(done) as d (task uuid, tasks jsonb)
         cross join lateral (select t.task_identifier from public.course_generation_tasks t where t.id = d.task) c (identifier)
         where d.task = any (held) and jsonb_typeof(d.tasks) = 'array' loop
        added := coalesce(added, 0) + coursewright.insert_tasks(job, new_tasks, creator);
    end loop;
    for merged in select d.result from jsonb_to_recordset(done) as d (task uuid, result jsonb)
                   where d.task = any (held) and jsonb_typeof(d.result) = 'object' loop
        update public.course_generation_jobs j set result_data = coalesce(j.result_data, '{}') || merged where j.id = job;
    end loop;
    if added is not null then
        perform coursewright.unblock(job, null);
    else
        perform coursewright.ready_tasks(job, settled);
    end if;
    perform coursewright.advance(job, 'completed', cardinality(held), coalesce(added, 0), payloads);
    return query select unnest(held);
end $$;

-- Lock the job of a leased task and end the lease. Returns the job; no row when the lease is lost.
create function coursewright.end_lease(task uuid, fence integer) returns setof public.course_generation_jobs
language plpgsql as $$
declare
    job public.course_generation_jobs;
begin
    select j.* into job from public.course_generation_jobs j
     where j.id = (select l.job_id from coursewright.leases l where l.task_id = task and l.attempt = fence)
       for no key update;
    if found then
        delete from coursewright.leases l where l.task_id = task and l.attempt = fence;
        if found then
            return next job;
        end if;
    end if;
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
           current_retry_count = least(t.current_retry_count + 1, t.max_retry_count), updated_at = clock_timestamp(),
           error_category = category, error_message = message, error_details = details, error_severity = severity,
           is_recoverable = recoverable, recovery_suggestions = suggestions,
           actual_duration_seconds = round(extract(epoch from clock_timestamp() - t.started_at)::numeric, 3)
     where t.id = task and t.attempt = fence and t.status = 'running' returning * into failed;
    if failed.status in ('failed', 'cancelled') then
        update public.course_generation_tasks set completed_at = clock_timestamp(), held = false where id = task;
    end if;
    if failed.status = 'failed' then
        perform coursewright.unblock(job.id, array[failed.task_identifier]);
        perform coursewright.advance(job.id, 'failed', 1, 0, jsonb_build_array(
            jsonb_build_object('task', failed.task_identifier, 'type', failed.task_type, 'error', message)));
    end if;
    return failed.id is not null;
end $$;

-- Hand a task back without a failure: later, when a call settles, or at once. False when the lease is lost.
create function coursewright.release_task(task uuid, fence integer, again_in interval, call uuid,
                                          because text default null) returns boolean
language plpgsql as $$
declare
    job public.course_generation_jobs;
    ended boolean;
begin
    select * into job from coursewright.end_lease(task, fence);
    if not found then
        return false;
    end if;
    ended := job.status in ('completed', 'failed', 'cancelled');
    update public.course_generation_tasks t
       set status = case when ended then 'cancelled' else 'queued' end, held = job.status = 'paused',
           completed_at = case when ended then clock_timestamp() end,
           run_at = clock_timestamp() + again_in, waits_for = case when ended then null else call end,
           waits_because = because, updated_at = clock_timestamp()
     where t.id = task and t.attempt = fence and t.status = 'running';
    if because is not null then
        perform coursewright.tell(job.id, 'job_waits', jsonb_build_object(
            'because', because, 'seconds', round(extract(epoch from again_in))), 'because');
    end if;
    if again_in <= interval '0' then
        perform pg_notify('coursewright', '');
    end if;
    return true;
end $$;

-- A call settled: the tasks that wait for it are due now. Returns how many.
create function coursewright.wake_tasks(call uuid) returns integer language plpgsql as $$
declare
    woken integer;
begin
    with due as (  -- of many jobs, so in an order, as whoever pauses several jobs at once may hold some of them
        select t.id from public.course_generation_tasks t
         where t.waits_for = call and t.status = 'queued' order by t.id for no key update)
    update public.course_generation_tasks t
       set run_at = clock_timestamp(), waits_for = null, updated_at = clock_timestamp()
      from due where t.id = due.id;
    get diagnostics woken = row_count;
    if woken > 0 then
        perform pg_notify('coursewright', '');
    end if;
    return woken;
end $$;

-- Leases that expired: the task is ready again, or fails as poison when it has outlived too many workers. One rescuer at
-- a time; a job that somebody holds for long is left for the next time, so that it does not hold up the others.
create function coursewright.rescue_tasks(max_rescues integer) returns integer language plpgsql as $$
declare
    stalled uuid;
    rescued integer := 0;
begin
    if not exists (select from coursewright.leases l where l.expires_at < clock_timestamp())
        or not pg_try_advisory_xact_lock(hashtext('coursewright.rescue_tasks')) then
        return 0;
    end if;
    perform set_config('lock_timeout', '200ms', true);
    for stalled in select distinct l.job_id from coursewright.leases l
                    where l.expires_at < clock_timestamp() order by 1 loop
        begin
            rescued := rescued + coursewright.rescue_job(stalled, max_rescues);
        exception when lock_not_available then
            null;
        end;
    end loop;
    if rescued > 0 then
        perform pg_notify('coursewright', '');
    end if;
    return rescued;
end $$;

create function coursewright.rescue_job(job uuid, max_rescues integer) returns integer language plpgsql as $$
declare
    state text;
    poisoned text[];
    rescued text[];
    n integer;
begin
    select j.status into state from public.course_generation_jobs j where j.id = job for no key update;
    with expired as (
        delete from coursewright.leases l where l.job_id = job and l.expires_at < clock_timestamp()
        returning l.task_id, l.attempt),
    fate as (
        select t.id, t.rescues + 1 as losses, e.attempt,
               case when state in ('completed', 'failed', 'cancelled') then 'cancelled'
                    when t.rescues >= max_rescues then 'failed' else 'queued' end as status
          from expired e join public.course_generation_tasks t on t.id = e.task_id),
    back as (
        update public.course_generation_tasks t
           set rescues = f.losses, status = f.status, held = f.status = 'queued' and state = 'paused',
               -- Tasks that fell together rise apart, so that one that kills its worker does not take the same
               -- neighbours along until all of them are poison.
               run_at = clock_timestamp() + random() * (f.losses - 1) * interval '2 s', waits_because = null,
               updated_at = clock_timestamp(), completed_at = case when f.status <> 'queued' then clock_timestamp() end,
               error_category = case f.status when 'failed' then 'resource_exhausted' else t.error_category end,
               error_severity = case f.status when 'failed' then 'critical' else t.error_severity end,
               error_message = case f.status when 'failed' then format(
                   'Poison: %s workers were lost or hung while they carried out this task.', f.losses)
                   else t.error_message end
          from fate f where t.id = f.id and t.attempt = f.attempt and t.status = 'running'
        returning t.task_identifier, t.status)
    select count(*), array_agg(b.task_identifier) filter (where b.status = 'failed'),
           array_agg(b.task_identifier) filter (where b.status = 'queued')
      into n, poisoned, rescued from back b;
    if rescued is not null then
        perform coursewright.record_event(job, 'tasks_rescued', jsonb_build_object('tasks', rescued));
    end if;
    if poisoned is not null then
        perform coursewright.unblock(job, poisoned);
        perform coursewright.advance(job, 'failed', cardinality(poisoned), 0, (
            select jsonb_agg(jsonb_build_object('task', t.task_identifier, 'type', t.task_type, 'error', t.error_message))
              from public.course_generation_tasks t where t.job_id = job and t.task_identifier = any (poisoned)));
    end if;
    return n;
end $$;
