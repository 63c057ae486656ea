-- A tick ends: what it did, what is left, and who else is at work.
with ended as (
    update coursewright.ticks set ended_at = clock_timestamp(), started = %(started)s, completed = %(completed)s,
           cut = %(cut)s where id = %(tick)s)
select remaining, due, others, next_job, next_in from coursewright.work_left(%(tick)s)
