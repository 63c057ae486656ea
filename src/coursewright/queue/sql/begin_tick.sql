-- A tick begins; those of long ago are forgotten.
with old as (delete from coursewright.ticks where began_at < clock_timestamp() - interval '7 days')
insert into coursewright.ticks (worker_id, budget_seconds, ends_at)
values (%(worker)s, %(budget)s, clock_timestamp() + make_interval(secs => %(left)s)) returning id
