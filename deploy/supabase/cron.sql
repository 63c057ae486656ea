-- pg_cron and pg_net as doorbells, for a service that sleeps between requests (Vercel, a host that scales to zero).
--
-- Before: switch on the extensions pg_cron and pg_net, and keep the service's address and its CRON_SECRET in the Vault:
--     select vault.create_secret('https://courses.example', 'coursewright_url');
--     select vault.create_secret('the CRON_SECRET of the service', 'coursewright_cron_secret');
-- Then run this file; as often as you like. To undo it:
--     select cron.unschedule('coursewright');
--     drop trigger coursewright_ring_service on public.course_generation_queue;

create or replace function coursewright.ring_service() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    address text := (select rtrim(s.decrypted_secret, '/') from vault.decrypted_secrets s
                      where s.name = 'coursewright_url');
    secret text := (select s.decrypted_secret from vault.decrypted_secrets s
                     where s.name = 'coursewright_cron_secret');
begin
    if address is null or secret is null then
        raise exception 'the service cannot be rung: the Vault lacks coursewright_url or coursewright_cron_secret'
            using hint = 'select vault.create_secret(''https://courses.example'', ''coursewright_url'')';
    end if;
    -- Nobody waits for the answer: the tick goes on after the time is up.
    return net.http_post(
        url := address || '/api/cron/process-courses',
        body := '{}'::jsonb,
        headers := jsonb_build_object('Content-Type', 'application/json', 'Authorization', 'Bearer ' || secret),
        timeout_milliseconds := 5000);
end $$;

-- Whether a tick would find something: nobody is woken for nothing.
create or replace function coursewright.work_is_due() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from public.course_generation_jobs j
                    where j.status = 'processing' and coursewright.is_ours(j.job_type))
        or exists (select from public.course_generation_jobs j
                    where j.status = 'queued' and coursewright.is_ours(j.job_type)
                      and not exists (select from public.course_generation_queue q
                                       where q.job_id = j.id and q.scheduled_for > clock_timestamp() + interval '1 minute'))
        or exists (select from coursewright.documents d where d.background and d.status in ('queued', 'processing'))
        -- tried before: where nobody is configured to deliver, none is
        or exists (select from coursewright.deliveries d
                    where d.state = 'waiting' and d.attempts > 0 and d.run_at <= clock_timestamp())
$$;

-- An entry that may begin now rings at once, whoever inserts it. The insert never fails for it: the next minute rings too.
create or replace function coursewright.ring_at_once() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if exists (select from fresh f join public.course_generation_jobs j on j.id = f.job_id
                where coursewright.is_ours(j.job_type)
                  and (f.scheduled_for is null or f.scheduled_for <= clock_timestamp())) then
        perform coursewright.ring_service();
    end if;
    return null;
exception when others then
    raise warning 'coursewright: %', sqlerrm;
    return null;
end $$;

revoke execute on function coursewright.ring_service(), coursewright.work_is_due(), coursewright.ring_at_once() from public;

create or replace trigger coursewright_ring_service after insert on public.course_generation_queue
    referencing new table as fresh for each statement execute function coursewright.ring_at_once();

select cron.schedule('coursewright', '* * * * *',
                     'select coursewright.ring_service() where coursewright.work_is_due()');
