-- Background requests of the last hour whose id was never stored: their process was killed, or is about to store it. Each
-- half has an index of its own.
select s.id as send, s.call_id as call, s.organisation_id as organisation, s.model, s.kind, s.fingerprint,
       '' as provider_id, s.price, coursewright.seconds_until(clock_timestamp(), s.started_at) as age
  from (select * from coursewright.sends where state = 'submitting' and provider_id is null
        union all
        select * from coursewright.sends where state = 'suspected' and provider_id is null) s
 where s.mode = 'background' and s.started_at > clock_timestamp() - interval '1 hour'
   and split_part(s.model, ':', 1) = %(provider)s
 order by s.started_at desc limit 100
