-- The calls of a batch whose reply is not on record; also those that were given up too early.
select s.id as send, s.call_id as call, s.kind, s.price, coursewright.seconds_until(clock_timestamp(), s.started_at) as age
  from coursewright.sends s
 where s.batch_id = %(batch)s and s.state in ('submitting', 'submitted', 'suspected') order by s.call_id
