-- Time-boxed passes (ticks) for hosts that kill: which steps still fit, which were cut, who is at work.

-- One row a tick. `ends_at` is when its host stops it at the latest: a tick that was killed leaves no more than its row.
create table coursewright.ticks (
    id uuid primary key default gen_random_uuid(),
    worker_id text not null,
    budget_seconds double precision not null,
    began_at timestamptz not null default clock_timestamp(),
    ends_at timestamptz not null,
    ended_at timestamptz,
    started integer not null default 0,     -- steps begun
    completed integer not null default 0,   -- of them, those that ended in time
    cut integer not null default 0          -- and those that did not
);
create index ticks_open on coursewright.ticks (ends_at) where ended_at is null;
create index ticks_age on coursewright.ticks (began_at);

-- Steps that a tick's end cut off, until they are completed or asked for anew (another generation).
create table coursewright.cuts (
    task_id uuid primary key references public.course_generation_tasks (id) on delete cascade,
    task_type text not null,
    generation integer not null,
    seconds double precision not null,      -- the longest that it ran in vain
    whole integer not null default 0        -- how often although it had the whole tick
);

alter table coursewright.ticks enable row level security;
alter table coursewright.cuts enable row level security;

-- How long a step of each kind takes: the 95th percentile of the newest 200, with room for what few samples do not
-- show; and clearly longer than one of that kind has run in vain. Null: not known.
create function coursewright.expected_seconds() returns table (task_type text, seconds double precision)
language sql stable as $$
    with kinds as (
        select distinct t.task_type from public.course_generation_jobs j
         cross join lateral (select distinct o.task_type from public.course_generation_tasks o where o.job_id = j.id) t
         where j.status = 'processing'),
    learned as (
        select k.task_type, l.most * (1 + 1.0 / l.n) as seconds
          from kinds k cross join lateral coursewright.learned_seconds(k.task_type) l where l.n > 0),
    in_vain as (
        select c.task_type, 1.5 * max(c.seconds) as seconds from coursewright.cuts c
          join public.course_generation_tasks t on t.id = c.task_id and t.generation = c.generation
         where t.status in ('queued', 'running', 'retrying') group by 1)
    select k.task_type, greatest(l.seconds, v.seconds)
      from kinds k left join learned l on l.task_type = k.task_type left join in_vain v on v.task_type = k.task_type;
$$;
create index course_generation_tasks_durations on public.course_generation_tasks (task_type, completed_at desc)
    include (actual_duration_seconds) where status = 'completed';

-- A step that the end of a tick cut off goes back to ready. One that has had `most` whole ticks and needed more fits no
-- tick of this host: its task fails, and its job with it, since each further try would cost as much and give as little.
-- False when the lease is lost.
create function coursewright.cut_task(task uuid, fence integer, ran double precision, had_whole boolean, most integer,
                                      message text, suggestions text[]) returns boolean
language plpgsql as $$
declare
    tries integer;
    held boolean;
    job uuid;
begin
    -- The job's lock comes first, as everywhere.
    perform from public.course_generation_jobs j
      where j.id = (select l.job_id from coursewright.leases l where l.task_id = task and l.attempt = fence)
        for no key update;
    select t.job_id into job from coursewright.leases l join public.course_generation_tasks t on t.id = l.task_id
     where l.task_id = task and l.attempt = fence and t.status = 'running';
    if not found then
        return false;
    end if;
    insert into coursewright.cuts as c (task_id, task_type, generation, seconds, whole)
    select t.id, t.task_type, t.generation, ran, had_whole::int from public.course_generation_tasks t where t.id = task
    on conflict (task_id) do update
       set generation = excluded.generation,
           seconds = case when c.generation = excluded.generation then greatest(c.seconds, excluded.seconds)
                          else excluded.seconds end,
           whole = excluded.whole + case when c.generation = excluded.generation then c.whole else 0 end
    returning whole into tries;
    if tries < most then
        return coursewright.release_task(task, fence, interval '0', null);
    end if;
    held := coursewright.fail_task(task, fence, interval '0', 'host_too_short', message, null, 'critical', false,
                                   suggestions);
    delete from coursewright.cuts c where c.task_id = task;
    update public.course_generation_jobs j
       set status = 'failed', error_message = message, completed_at = clock_timestamp(),
           actual_completion_time = clock_timestamp(), updated_at = clock_timestamp()
     where j.id = job and j.status in ('queued', 'processing', 'paused');
    if found then
        perform coursewright.count_tasks(job);
    end if;
    return held;
end $$;

-- What is left to do, for whoever decides whether and when to look again: open tasks of jobs under execution, and jobs
-- that wait; seconds until something is due by its time (0: now; null: nothing is); ticks at work but for one's own;
-- whose turn is next, and in how many seconds (null: what is left is begun, or has its own time, and is others' to ring
-- for).
create function coursewright.work_left(me uuid, out remaining integer, out due double precision, out others integer,
                                       out next_job uuid, out next_in double precision)
language sql stable as $$
    with ready as (
        select coalesce(sum(r.ready), 0)::int as n from coursewright.rotation r where r.ready > 0),
    waiting as (select count(*)::int as n from public.course_generation_queue q where q.scheduled),
    open as (
        select coalesce(sum(o.n), 0)::int as n,
               min(o.due) as due, (array_agg(j.id order by o.due) filter (where o.n > 0))[1] as job
          from public.course_generation_jobs j cross join lateral (
               select count(*) as n,
                      min(t.run_at) filter (where t.status in ('queued', 'retrying') and not t.held) as due
                 from public.course_generation_tasks t
                where t.job_id = j.id and t.status in ('pending', 'queued', 'running', 'retrying')) o
         where j.status = 'processing' and coursewright.is_ours(j.job_type))
    select open.n + ready.n + waiting.n,
           case when ready.n > 0 then 0 when first.due is not null then  -- of nulls `greatest` would make 0
               greatest(0, extract(epoch from first.due - clock_timestamp())) end::float,
           (select count(*)::int from coursewright.ticks k
             where k.ended_at is null and k.ends_at > clock_timestamp() and k.id <> me),
           coalesce(open.job, (select q.job_id from public.course_generation_queue q where q.ready or q.scheduled
                                order by q.ready desc, q.scheduled_for limit 1)),
           case when ready.n > 0 then 0 when open.due is not null then
               greatest(0, extract(epoch from open.due - clock_timestamp())) end::float
      from ready, waiting, open, lateral (select least(
               open.due, (select min(q.scheduled_for) from public.course_generation_queue q where q.scheduled),
               (select min(l.expires_at) from coursewright.leases l)) as due) first;
$$;

-- A webhook names a job: keep the request that came along where the job has none, and give a job that waits for its
-- turn the queue entry that it lacks. Returns the job's status, or null where there is no such job.
create function coursewright.take_in_job(job uuid, request jsonb) returns text language plpgsql as $$
declare
    state text;
begin
    select j.status into state from public.course_generation_jobs j
     where j.id = job and coursewright.is_ours(j.job_type) for no key update;
    if not found then
        return null;
    end if;
    if request is not null then
        update public.course_generation_jobs j set job_data = request, updated_at = clock_timestamp()
         where j.id = job and j.total_tasks = 0 and coalesce(j.job_data, '{}') = '{}';
    end if;
    if state = 'queued' and not exists (
        select from public.course_generation_queue q
         where q.job_id = job and q.status in ('pending', 'queued', 'processing')) then
        insert into public.course_generation_queue (job_id) values (job);
    end if;
    return state;
end $$;
