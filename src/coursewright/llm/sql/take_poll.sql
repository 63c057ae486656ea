-- The background reply of that id, taken to be fetched now; also one that was given up too early.
update coursewright.sends s set poll_at = clock_timestamp() + make_interval(secs => %(every)s)
 where s.provider_id = %(provider_id)s and s.mode = 'background' and s.state in ('submitted', 'suspected')
returning s.id as send, s.call_id as call, s.organisation_id as organisation, s.model, s.kind, s.fingerprint,
          s.provider_id, s.price, coursewright.seconds_until(clock_timestamp(), s.started_at) as age
