-- Renew leases, never past their deadline. What does not come back is lost.
update coursewright.leases l
   set expires_at = least(clock_timestamp() + make_interval(secs => %(lease)s), l.deadline_at),
       heartbeat_at = clock_timestamp()
  from unnest(%(task_ids)s::uuid[], %(attempts)s::int[]) as mine (task_id, attempt)
 where l.task_id = mine.task_id and l.attempt = mine.attempt and l.deadline_at > clock_timestamp()
returning l.task_id
