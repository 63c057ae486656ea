-- A stand-in for pg_cron 1.4: the table of jobs, and scheduling by name, which replaces a job of the same name.
create schema cron;
create table cron.job (
    jobid bigserial primary key, schedule text not null, command text not null, jobname text unique,
    active boolean not null default true);
create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
    insert into cron.job (jobname, schedule, command) values (job_name, schedule, command)
    on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command returning jobid
$$;
create function cron.unschedule(job_name text) returns boolean language sql as $$
    with gone as (delete from cron.job where jobname = job_name returning jobid) select count(*) > 0 from gone
$$;
