-- Have a job's events ring for a while: somebody watches it. What nobody watches any more goes.
with forgotten as (delete from coursewright.watched where until < clock_timestamp() - interval '1 hour')
insert into coursewright.watched (job_id, until)
values (%(job_id)s, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (job_id) do update set until = excluded.until
