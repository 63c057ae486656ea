-- Asking for a course over HTTP: one transaction for the idempotency key, the limits, the job and its queue entry.

create table coursewright.idempotency_keys (
    organisation_id uuid not null,
    key text not null,
    fingerprint text not null,              -- hash of the request's body
    job_id uuid references public.course_generation_jobs (id) on delete cascade,
    created_at timestamptz not null default clock_timestamp(),
    primary key (organisation_id, key)
);
create index idempotency_keys_age on coursewright.idempotency_keys (created_at);
create index idempotency_keys_job on coursewright.idempotency_keys (job_id);  -- else deleting a job reads all keys

-- What was accepted when, for the sliding windows. Apart from the jobs: deleting a job gives no room back.
create table coursewright.submissions (
    organisation_id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default clock_timestamp()
);
create index submissions_user on coursewright.submissions (organisation_id, user_id, created_at desc);
create index submissions_organisation on coursewright.submissions (organisation_id, created_at desc);
create index submissions_age on coursewright.submissions (created_at desc);

-- One row to queue at for each party whose submissions are counted.
create table coursewright.submitters (
    scope text not null,
    party uuid not null,
    primary key (scope, party)
);

-- The first window that is full, as {scope, seconds, most, retry_after}, or null. `windows` is
-- [{scope: global | organisation | user, seconds, most}]. Parties are locked in the order of the scopes' names, so what
-- is counted stays true until this transaction ends.
create function coursewright.full_window(organisation uuid, submitter uuid, windows jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    w record;
    nth timestamptz;
begin
    for w in select distinct x.scope, case x.scope when 'user' then submitter when 'organisation' then organisation
                                           else coursewright.nobody() end as party
               from jsonb_to_recordset(windows) x (scope text) order by 1 loop
        insert into coursewright.submitters values (w.scope, w.party) on conflict do nothing;
        perform from coursewright.submitters s where s.scope = w.scope and s.party = w.party for update;
    end loop;
    for w in select * from jsonb_to_recordset(windows) x (scope text, seconds double precision, most integer)
              order by x.seconds desc loop
        -- The window is full when the submission that many places back is still inside it.
        nth := null;
        if w.scope = 'user' then
            select s.created_at into nth from coursewright.submissions s
             where s.organisation_id = organisation and s.user_id = submitter
             order by s.created_at desc offset w.most - 1 limit 1;
        elsif w.scope = 'organisation' then
            select s.created_at into nth from coursewright.submissions s
             where s.organisation_id = organisation order by s.created_at desc offset w.most - 1 limit 1;
        else
            select s.created_at into nth from coursewright.submissions s
             order by s.created_at desc offset w.most - 1 limit 1;
        end if;
        if nth > clock_timestamp() - make_interval(secs => w.seconds) then
            return jsonb_build_object('scope', w.scope, 'seconds', w.seconds, 'most', w.most, 'retry_after',
                extract(epoch from nth + make_interval(secs => w.seconds) - clock_timestamp()));
        end if;
    end loop;
    return null;
end $$;

-- Ask for a job. Exactly one of these comes back: a job (new, or `replayed`: the one that this key made before),
-- `mismatch` (the key made a job from another body), `refused` (the window that is full).
create function coursewright.submit_job(
    organisation uuid, submitter uuid, base uuid, kind text, body jsonb, config jsonb, retries jsonb, rank integer, due timestamptz,
    idempotency_key text, body_fingerprint text, windows jsonb, most_at_once integer,
    out job uuid, out state text, out replayed boolean, out mismatch boolean, out refused jsonb)
language plpgsql as $$
declare
    known record;
begin
    replayed := false;
    mismatch := false;
    if idempotency_key is not null then
        -- A key in the making by another transaction is waited for here.
        insert into coursewright.idempotency_keys as k (organisation_id, key, fingerprint)
        values (organisation, idempotency_key, body_fingerprint)
        on conflict (organisation_id, key) do update
           set fingerprint = excluded.fingerprint, job_id = null, created_at = clock_timestamp()
         where k.created_at < clock_timestamp() - interval '24 hours';
        if not found then
            select k.fingerprint, k.job_id, j.status into known
              from coursewright.idempotency_keys k left join public.course_generation_jobs j on j.id = k.job_id
             where k.organisation_id = organisation and k.key = idempotency_key;
            mismatch := known.fingerprint <> body_fingerprint;
            replayed := not mismatch;
            if replayed then
                job := known.job_id;
                state := known.status;
            end if;
            return;
        end if;
    end if;
    if jsonb_array_length(windows) > 0 then
        refused := coursewright.full_window(organisation, submitter, windows);
        if refused is not null then
            delete from coursewright.idempotency_keys k
             where k.organisation_id = organisation and k.key = idempotency_key;
            return;
        end if;
        insert into coursewright.submissions (organisation_id, user_id) values (organisation, submitter);
    end if;
    insert into public.course_generation_jobs (
        organisation_id, user_id, base_class_id, job_type, job_data, generation_config, retry_configuration)
    values (organisation, submitter, base, kind, body, config, retries) returning id, status into job, state;
    insert into public.course_generation_queue (job_id, priority, scheduled_for, at_once)
    values (job, rank, due, most_at_once);
    update coursewright.idempotency_keys k set job_id = job
     where k.organisation_id = organisation and k.key = idempotency_key;
end $$;

alter table coursewright.idempotency_keys enable row level security;
alter table coursewright.submissions enable row level security;
revoke execute on function coursewright.full_window from public;  -- it sees all organisations
do $$
begin
    if exists (select from pg_roles where rolname = 'coursewright_api') then
        grant execute on function coursewright.full_window to coursewright_api;
        grant select, insert, update, delete on coursewright.idempotency_keys, coursewright.submissions
            to coursewright_api;
        create policy coursewright_api on coursewright.idempotency_keys to coursewright_api
            using (organisation_id = coursewright.organisation());
        create policy coursewright_api on coursewright.submissions to coursewright_api
            using (organisation_id = coursewright.organisation());
    end if;
end $$;

-- Keys and submissions that nothing asks for any more.
create function coursewright.forget_old_submissions() returns void language sql as $$
    delete from coursewright.idempotency_keys where created_at < clock_timestamp() - interval '24 hours';
    delete from coursewright.submissions where created_at < clock_timestamp() - interval '1 day';
$$;
