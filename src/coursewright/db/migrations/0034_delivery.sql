-- What the application is to be told of a job's end: one row for each way, inserted in the transaction that ends the job,
-- so that none is lost. Whoever is configured for a way delivers it; where nobody is, the row is forgotten after a month.
create table coursewright.deliveries (
    id uuid primary key default gen_random_uuid(),     -- tells the receiver repetitions from news
    job_id uuid not null references public.course_generation_jobs (id) on delete cascade,
    way text not null check (way in ('webhook', 'tables')),
    payload jsonb not null,
    state text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead', 'superseded')),
    attempts integer not null default 0,               -- also the fence
    run_at timestamptz not null default clock_timestamp(),
    last_error text,
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
);
create index deliveries_due on coursewright.deliveries (run_at) where state = 'waiting';
create index deliveries_job on coursewright.deliveries (job_id);
create index deliveries_age on coursewright.deliveries (created_at);
alter table coursewright.deliveries enable row level security;

-- A job that was made again and ends again is news again; only its newest course is written into tables.
create function coursewright.tell_application() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    update coursewright.deliveries d set state = 'superseded', ended_at = clock_timestamp()
     where d.job_id = new.id and d.way = 'tables' and d.state = 'waiting';
    insert into coursewright.deliveries (job_id, way, payload)
    select new.id, w.way, jsonb_build_object(
        'type', 'job.' || new.status,
        'timestamp', to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'data', jsonb_build_object(
            'jobId', new.id, 'baseClassId', new.base_class_id, 'organisationId', new.organisation_id,
            'userId', new.user_id, 'jobType', new.job_type, 'status', new.status,
            'title', coalesce(new.job_data ->> 'title', new.job_data #>> '{request,title}'),
            'error', new.error_message, 'result', new.result_data, 'totalTasks', new.total_tasks,
            'completedTasks', new.completed_tasks, 'failedTasks', new.failed_tasks, 'skippedTasks', new.skipped_tasks))
      from (values ('webhook'), ('tables')) w (way)
     where w.way = 'webhook' or (new.status = 'completed' and new.job_type = 'generate_course_v2');
    return null;
end $$;
revoke execute on function coursewright.tell_application() from public;
create trigger coursewright_tell_application after update of status on public.course_generation_jobs
    for each row when (old.status is distinct from new.status and new.status in ('completed', 'failed')
                       and new.job_type in ('generate_course_v2', 'generate_outline'))
    execute function coursewright.tell_application();

-- What is over, or was never wanted by anybody.
create function coursewright.forget_old_deliveries() returns void language sql as $$
    delete from coursewright.deliveries where created_at < clock_timestamp() - interval '30 days';
$$;
revoke execute on function coursewright.forget_old_deliveries() from public;
