-- Lease what is due, the oldest first: nobody else takes it before the time of one try is over. What nobody was configured
-- to deliver when it happened is too old after three days.
with due as (
    select d.id from coursewright.deliveries d
     where d.state = 'waiting' and d.way = any (%(ways)s::text[]) and d.run_at <= clock_timestamp()
       and (d.attempts > 0 or d.created_at > clock_timestamp() - interval '3 days')
     order by d.run_at limit %(most)s for update skip locked)
update coursewright.deliveries d
   set attempts = d.attempts + 1, run_at = clock_timestamp() + make_interval(secs => %(seconds)s)
  from due where d.id = due.id
returning d.id, d.job_id, d.way, d.payload, d.attempts, extract(epoch from clock_timestamp())::bigint as now
