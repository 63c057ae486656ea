-- Background requests of the last hour whose id was never stored: their process was killed, or is about to store it.
select s.id as send, s.call_id as call, s.organisation_id as organisation, s.model, s.kind, s.fingerprint,
       '' as provider_id, s.price, coursewright.seconds_until(clock_timestamp(), s.started_at) as age
  from coursewright.sends s
 where s.mode = 'background' and s.provider_id is null and s.state in ('submitting', 'suspected')
   and s.started_at > clock_timestamp() - interval '1 hour' and split_part(s.model, ':', 1) = %(provider)s
 order by s.started_at desc limit 100
