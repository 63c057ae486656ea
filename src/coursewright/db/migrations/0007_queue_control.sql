-- What a user asks for: skip tasks, do tasks again. Pause, resume and cancel are statuses written into the job (0001).

-- Settle tasks by hand: they count as skipped, a running one is fenced off. Returns how many.
create function coursewright.skip_tasks(job uuid, wanted uuid[]) returns integer language plpgsql as $$
declare
    skipped text[];
begin
    perform from public.course_generation_jobs j where j.id = job and j.status in ('queued', 'processing', 'paused')
        for no key update;
    if not found then
        return 0;
    end if;
    with changed as (
        update public.course_generation_tasks t
           set status = 'skipped', held = false, waits_for = null, completed_at = clock_timestamp(),
               updated_at = clock_timestamp(), error_message = 'Skipped by a user.',
               error_category = 'skipped_by_user', error_severity = 'low'
         where t.job_id = job and t.id = any (wanted) and not t.decisive
           and t.status in ('pending', 'queued', 'running', 'retrying') returning t.task_identifier)
    select array_agg(c.task_identifier) into skipped from changed c;
    if skipped is null then
        return 0;
    end if;
    perform coursewright.drop_stray_leases(job);
    perform coursewright.unblock(job, skipped);
    perform coursewright.advance(job, 'skipped', cardinality(skipped), 0,
                                 jsonb_build_array(jsonb_build_object('tasks', skipped)));
    return cardinality(skipped);
end $$;

-- Fence off whoever still works on a task that is no longer running. A statement of its own, after the one that changed
-- the tasks: it then sees a lease that a claim took in between.
create function coursewright.drop_stray_leases(job uuid) returns void language sql as $$
    delete from coursewright.leases l using public.course_generation_tasks t
     where l.job_id = job and t.id = l.task_id and t.status <> 'running';
$$;

-- Do tasks again (a new generation), and all that follows from them. A finished job goes back to the queue, and what its
-- end had cancelled is done after all. Returns how many of those asked for are done again.
create function coursewright.retry_tasks(job uuid, wanted uuid[]) returns integer language plpgsql as $$
declare
    state text;
    again text[];
begin
    select j.status into state from public.course_generation_jobs j where j.id = job for no key update;
    select array_agg(t.task_identifier) into again from public.course_generation_tasks t
     where t.job_id = job and t.id = any (wanted) and t.status in ('completed', 'failed', 'skipped', 'cancelled');
    if again is null then
        return 0;
    end if;
    with recursive follow as (
        select t.id, t.task_identifier, true as asked from public.course_generation_tasks t
         where t.job_id = job and t.task_identifier = any (again)
        union
        select t.id, t.task_identifier, false from follow f join public.course_generation_tasks t
            on t.job_id = job and (f.task_identifier = any (t.dependencies) or t.created_by = f.task_identifier)),
    fate as (select f.id, bool_or(f.asked) as asked from follow f group by 1)
    update public.course_generation_tasks t
       set status = 'pending', generation = t.generation + fate.asked::int, current_retry_count = 0, rescues = 0,
           output_data = null, result_metadata = null, error_message = null, error_details = null,
           error_category = null, error_severity = null, is_recoverable = null, recovery_suggestions = null,
           started_at = null, completed_at = null, waits_for = null, held = false, updated_at = clock_timestamp()
      from fate where t.id = fate.id;
    perform coursewright.drop_stray_leases(job);
    perform coursewright.count_tasks(job);
    if state in ('completed', 'failed', 'cancelled') then
        update public.course_generation_jobs j  -- the trigger revives what was cancelled and readies what can begin
           set status = 'queued', progress_percentage = 0, error_message = null, completed_at = null,
               actual_completion_time = null, updated_at = clock_timestamp()
         where j.id = job;
    else
        perform coursewright.unblock(job, null);
    end if;
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
