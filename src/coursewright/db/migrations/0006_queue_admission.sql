-- Jobs into execution: scheduled entries fall due, one entry is admitted, its job gets its first tasks; what lost its way
-- is found again.
--
-- Locks: admission (mutex), rotation, then job and entry with SKIP LOCKED, so that it never waits once it holds those.

-- Entries whose time has come join the ready ones, a few at a time; those that somebody holds come later. The time of the
-- statement, not of the clock: an index cannot be searched for a value that may change meanwhile.
create function coursewright.promote_entries() returns void language sql as $$
    with due as (
        select q.id from public.course_generation_queue q
          join public.course_generation_jobs j on j.id = q.job_id
          join coursewright.rotation r on r.organisation_id = q.organisation_id
         where q.scheduled and q.scheduled_for <= statement_timestamp()
         order by q.scheduled_for limit 100 for no key update of q, j, r skip locked)
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
     order by - q.priority, q.seq limit 1 for no key update of q, j skip locked;
    if not found then
        return null;
    end if;
    update public.course_generation_queue
       set status = 'processing', worker_id = worker, locked_at = clock_timestamp() where id = picked.id;
    update public.course_generation_jobs
       set status = 'processing', started_at = coalesce(started_at, clock_timestamp()), updated_at = clock_timestamp(),
           completed_at = null, actual_completion_time = null, error_message = null
     where id = picked.job_id returning * into job;
    update coursewright.rotation
       set last_admitted = clock_timestamp(), head_rank = earliest.rank, head_seq = earliest.seq
     where organisation_id = organisation;
    return jsonb_build_object('id', picked.id, 'job_id', picked.job_id, 'priority', picked.priority,
                              'scheduled_for', picked.scheduled_for, 'job', to_jsonb(job));
end $$;

-- Admit the next job: organisations in turn (fewest running, then longest unserved), inside one by priority, then age.
-- Returns {id, job_id, priority, scheduled_for, job}, or null when nothing is admissible.
-- Raises lock_not_available when a transaction that called it stays open: that one holds the mutex.
create function public.dequeue_course_job(worker_id text) returns jsonb language plpgsql set lock_timeout = '2s' as $$
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
        perform from coursewright.rotation r
          where r.organisation_id = turn and r.ready > 0 and r.running < r.max_running for no key update skip locked;
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
            perform from coursewright.rotation r
              where r.organisation_id = held_up and r.ready > 0 and r.running < r.max_running for no key update;
            if found then
                return coursewright.admit_from(held_up, dequeue_course_job.worker_id);
            end if;
        exception when lock_not_available then
            return null;
        end;
    end if;
    return null;
end $$;

-- Admit one job and give it its first tasks ({job_type: [task, …]}) in the same transaction.
create function coursewright.admit(worker text, first_tasks jsonb, expected integer) returns jsonb
language plpgsql as $$
declare
    admitted jsonb := public.dequeue_course_job(worker);
begin
    if admitted is not null then
        perform coursewright.begin_job((admitted ->> 'job_id')::uuid, first_tasks, expected);
    end if;
    return admitted;
end $$;

-- Give an admitted job without tasks its first ones. One that another program queued again, although nothing is left to
-- do, does its failed tasks again.
create function coursewright.begin_job(job uuid, first_tasks jsonb, expected integer) returns void
language plpgsql as $$
declare
    j record;
begin
    select c.job_type, c.total_tasks into j from public.course_generation_jobs c where c.id = job;
    if j.total_tasks = 0 and first_tasks ? j.job_type then
        update public.course_generation_jobs
           set total_tasks = coursewright.insert_tasks(job, first_tasks -> j.job_type, null), expected_tasks = expected
         where id = job;
        perform coursewright.record_event(job, 'job_started', '{}');
    elsif j.total_tasks > 0 and not coursewright.has_open_tasks(job) then
        update public.course_generation_jobs set progress_percentage = 0 where id = job;
        if coursewright.retry_tasks(job, (select array_agg(t.id) from public.course_generation_tasks t
                                           where t.job_id = job and t.status = 'failed')) = 0 then
            perform coursewright.finish_job(job);
        end if;
    end if;
end $$;

-- Jobs that lost their way: queued without an entry; admitted by somebody who never began; processing with nothing that
-- could be done, because somebody wrote into the tables. One sweep at a time is enough.
create function coursewright.sweep_jobs(first_tasks jsonb, expected integer, silence interval) returns integer
language plpgsql as $$
declare
    stray record;
    strays integer;
begin
    if not pg_try_advisory_xact_lock(hashtext('coursewright.sweep_jobs')) then
        return 0;
    end if;
    delete from coursewright.unentered u using public.course_generation_jobs j where j.id = u.job_id and j.status <> 'queued';
    with orphan as (
        select j.id from coursewright.unentered u join public.course_generation_jobs j on j.id = u.job_id
         where j.status = 'queued' and j.created_at < clock_timestamp() - silence
           and not exists (select from public.course_generation_queue q
                            where q.job_id = j.id and q.status in ('pending', 'queued', 'processing'))
         order by j.id limit 100 for no key update of j skip locked)
    insert into public.course_generation_queue (job_id) select o.id from orphan o;
    get diagnostics strays = row_count;
    for stray in select j.id, j.total_tasks from public.course_generation_jobs j
                  where j.status = 'processing' and (j.updated_at < clock_timestamp() - silence or exists (
                        select from public.course_generation_queue q
                         where q.job_id = j.id and q.locked_at < clock_timestamp() - silence))
                    and coursewright.is_ours(j.job_type)
                    and not exists (select from public.course_generation_tasks t
                                     where t.job_id = j.id and t.status in ('queued', 'running', 'retrying'))
                  order by j.id limit 100 for no key update of j skip locked loop
        if stray.total_tasks = 0 then
            perform coursewright.begin_job(stray.id, first_tasks, expected);
        else
            perform coursewright.mend_job(stray.id);
        end if;
        strays := strays + 1;
    end loop;
    return strays;
end $$;

-- A job with nothing ready or running: what is pending becomes ready, or is skipped when it never can; then it ends.
create function coursewright.mend_job(job uuid) returns void language plpgsql as $$
begin
    perform coursewright.unblock(job, null);
    if exists (select from public.course_generation_tasks t
                where t.job_id = job and t.status in ('queued', 'running', 'retrying')) then
        return;
    end if;
    update public.course_generation_tasks t
       set status = 'skipped', completed_at = clock_timestamp(), updated_at = clock_timestamp(),
           error_category = 'dependency_failed', error_severity = 'high', is_recoverable = false,
           error_message = 'Skipped, because it waits for tasks that wait for it.'
     where t.job_id = job and t.status = 'pending';
    perform coursewright.finish_job(job);
end $$;
