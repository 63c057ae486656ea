-- A worker is there; those that have not been seen for a day are forgotten.
with old as (delete from coursewright.workers where expires_at < clock_timestamp() - interval '1 day')
insert into coursewright.workers as w (worker_id, concurrency, expires_at)
values (%(worker)s, %(concurrency)s, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (worker_id) do update
   set concurrency = excluded.concurrency, seen_at = clock_timestamp(), expires_at = excluded.expires_at
