-- Renew leases, never past their deadline. What does not come back is lost. A lease that a transaction is ending at this
-- moment is not waited for: the others must be renewed in time.
with mine as (
    select l.task_id, l.attempt, l.deadline_at from coursewright.leases l
      join unnest(%(task_ids)s::uuid[], %(attempts)s::int[]) as m (task_id, attempt)
        on m.task_id = l.task_id and m.attempt = l.attempt
     where l.deadline_at > clock_timestamp()),
free as (
    select l.task_id from coursewright.leases l join mine m on m.task_id = l.task_id and m.attempt = l.attempt
       for no key update of l skip locked),
renewed as (
    update coursewright.leases l
       set expires_at = least(clock_timestamp() + make_interval(secs => %(lease)s), l.deadline_at),
           heartbeat_at = clock_timestamp()
      from free f where l.task_id = f.task_id)
select task_id from mine
