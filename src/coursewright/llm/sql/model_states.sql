-- Every model that was called: its limit as known now, and its breaker.
select l.endpoint, l.model, l.fingerprint, l.requests_rate * l.factor as requests_rate,
       l.tokens_rate * l.factor as tokens_rate,
       (select count(*)::integer from coursewright.sends s where s.state in ('submitting', 'submitted')
           and (s.endpoint, s.model, s.fingerprint) = (l.endpoint, l.model, l.fingerprint)) as in_flight,
       (select count(*)::integer from coursewright.calls c where c.ticket_due is not null
           and (c.endpoint, c.model, c.fingerprint) = (l.endpoint, l.model, l.fingerprint)) as waiting,
       l.refused::integer as refused,
       case when l.blocked_until > clock_timestamp() then l.blocked_until end as blocked_until,
       coalesce(case when b.state = 'open' and b.reopen_at <= clock_timestamp() then 'half_open' else b.state end,
                'closed') as breaker,
       case when b.state = 'open' then b.reopen_at end as reopen_at, b.last_error
  from coursewright.limits l left join coursewright.breakers b using (endpoint, model, fingerprint)
 order by l.endpoint, l.model, l.fingerprint
