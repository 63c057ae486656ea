-- A job's events after a number.
select number, kind, payload, created_at from coursewright.events
 where job_id = %(job_id)s and number > %(after)s order by number
