-- What an operator watches, whichever process did it. Counting is an insert (tallies), so that no two transactions meet
-- on a counter; now and then tallies are added up (totals), so that a scrape reads some hundred rows. A count is as
-- durable as what it counts: it is part of the same transaction.

create table coursewright.tallies (
    name text not null,                     -- of the measure; in one that ends in `_seconds`, values fall into buckets
    labels text[] not null default '{}',
    value double precision not null default 1
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create table coursewright.totals (
    name text not null,
    labels text[] not null,
    bucket integer not null,                -- how many of the bounds lie at or below the value; 0 where there are none
    n bigint not null,
    total double precision not null,
    primary key (name, labels, bucket)
) with (fillfactor = 50);

-- Workers that run until they are stopped; one that has not been seen until `expires_at` is gone. Ticks have a table.
create table coursewright.workers (
    worker_id text primary key,
    concurrency integer not null,
    began_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null
);

alter table coursewright.tallies enable row level security;
alter table coursewright.totals enable row level security;
alter table coursewright.workers enable row level security;

-- Upper bounds of the buckets, in seconds.
create function coursewright.bounds() returns double precision[] immutable parallel safe language sql
    return array[0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

create function coursewright.bucket(name text, value double precision) returns integer immutable language sql
    return case when name like '%\_seconds' then width_bucket(value, coursewright.bounds()) else 0 end;

-- Add up what was counted. One at a time is enough.
create function coursewright.fold_tallies() returns void language plpgsql as $$
begin
    if not pg_try_advisory_xact_lock(hashtext('coursewright.fold_tallies')) then
        return;
    end if;
    with counted as (
        delete from coursewright.tallies returning name, labels, coursewright.bucket(name, value) as bucket, value)
    insert into coursewright.totals as t (name, labels, bucket, n, total)
    select c.name, c.labels, c.bucket, count(*), sum(c.value) from counted c group by 1, 2, 3
    on conflict (name, labels, bucket) do update set n = t.n + excluded.n, total = t.total + excluded.total;
end $$;

-- Every attempt at a task that ended, and how.
create function coursewright.tally_attempt() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into coursewright.tallies values ('task_attempt_seconds', array[new.task_type,
        case when new.rescues > old.rescues then case new.status when 'failed' then 'poisoned' else 'rescued' end
             when new.status = 'retrying' then 'retried'
             when new.status = 'queued' then 'given_back'
             else new.status end],
        extract(epoch from clock_timestamp() - coalesce(old.started_at, clock_timestamp())));
    return null;
end $$;
create trigger coursewright_tally_attempt after update of status on public.course_generation_tasks
    for each row when (old.status = 'running' and new.status <> 'running')
    execute function coursewright.tally_attempt();

create function coursewright.tally_job() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    if coursewright.is_ours(new.job_type) then
        insert into coursewright.tallies values ('jobs_ended_total', array[new.status]);
    end if;
    return null;
end $$;
create trigger coursewright_tally_job after update of status on public.course_generation_jobs
    for each row when (old.status is distinct from new.status and new.status in ('completed', 'failed', 'cancelled'))
    execute function coursewright.tally_job();

create function coursewright.tally_tick() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        insert into coursewright.tallies values ('ticks_total', '{begun}', 1);
    else
        insert into coursewright.tallies values
            ('ticks_total', '{ended}', 1), ('tick_tasks_total', '{completed}', new.completed),
            ('tick_tasks_total', '{cut}', new.cut);
    end if;
    return null;
end $$;
create trigger coursewright_tally_tick after insert or update of ended_at on coursewright.ticks
    for each row execute function coursewright.tally_tick();

-- Every request to a provider that came to an end. One that was given up and answered after all ends twice.
create function coursewright.tally_send() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into coursewright.tallies values ('model_call_seconds', array[new.model,
        case when new.state <> 'settled' then coalesce(new.error, new.state)
             when old.state in ('suspected', 'released') then 'answered_late' else 'answered' end],
        extract(epoch from coalesce(new.ended_at, clock_timestamp()) - new.started_at));
    if new.state = 'settled' then
        insert into coursewright.tallies
        select 'model_tokens_total', array[new.model, v.kind], v.n
          from (values ('input', new.input_tokens), ('cached', new.cached_tokens), ('output', new.output_tokens),
                       ('reasoning', new.reasoning_tokens)) v (kind, n) where v.n > 0
        union all
        select 'model_cost_dollars_total', array[new.model], new.cost where new.cost > 0;
    end if;
    return null;
end $$;
create trigger coursewright_tally_send after update of state on coursewright.sends
    for each row when (old.state is distinct from new.state and new.state in ('settled', 'suspected', 'released'))
    execute function coursewright.tally_send();

create function coursewright.tally_stored_answer() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into coursewright.tallies values ('stored_answers_total', array[new.model]);
    return null;
end $$;
create trigger coursewright_tally_stored_answer after update of hits on coursewright.calls
    for each row when (new.hits > old.hits) execute function coursewright.tally_stored_answer();

create function coursewright.tally_document() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into coursewright.tallies values ('documents_read_total', array[new.status]);
    return null;
end $$;
create trigger coursewright_tally_document after update of status on coursewright.documents
    for each row when (old.status is distinct from new.status and new.status in ('completed', 'error'))
    execute function coursewright.tally_document();

-- What a scrape asks for finds its rows by these.
create index course_generation_queue_waiting
    on public.course_generation_queue (greatest(created_at, scheduled_for)) where ready;
create index course_generation_jobs_paused on public.course_generation_jobs (id) where status = 'paused';
create index budgets_month on coursewright.budgets (period) where scope = 'month';

revoke execute on function coursewright.bounds, coursewright.bucket, coursewright.fold_tallies,
    coursewright.tally_attempt, coursewright.tally_job, coursewright.tally_tick, coursewright.tally_send,
    coursewright.tally_stored_answer, coursewright.tally_document from public;
