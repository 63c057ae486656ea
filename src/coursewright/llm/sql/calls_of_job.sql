-- The calls that a job made or used, with the sums over their sends.
select c.id, c.kind, c.turn, c.generation, c.model, a.model_answered, c.state, c.reason, a.mode,
       coalesce((a.price ->> 'multiplier')::numeric, 1) as multiplier,
       coalesce(s.sends, 0)::integer as sends, coalesce(s.input_tokens, 0)::integer as input_tokens,
       coalesce(s.cached_tokens, 0)::integer as cached_tokens, coalesce(s.output_tokens, 0)::integer as output_tokens,
       coalesce(s.reasoning_tokens, 0)::integer as reasoning_tokens, s.cost, coalesce(s.reserved, 0) as reserved,
       coalesce(s.suspected, 0) as suspected, c.job_id is distinct from %(job)s::uuid as saved,
       coalesce(u.uses, 0) as uses, extract(epoch from a.ended_at - a.started_at)::double precision as seconds,
       a.error, c.fingerprint, c.created_at
  from coursewright.calls c
  left join coursewright.call_uses u on u.call_id = c.id and u.job_id = %(job)s
  left join coursewright.sends a on a.id = c.send_id
  left join lateral (
      select count(*) as sends, sum(x.input_tokens) as input_tokens, sum(x.cached_tokens) as cached_tokens,
             sum(x.output_tokens) as output_tokens, sum(x.reasoning_tokens) as reasoning_tokens, sum(x.cost) as cost,
             sum(x.reserved) filter (where x.state in ('waiting', 'submitting', 'submitted')) as reserved,
             sum(x.reserved) filter (where x.state = 'suspected') as suspected
        from coursewright.sends x where x.call_id = c.id and x.job_id = %(job)s) s on true
 where c.job_id = %(job)s or u.job_id is not null
 order by c.created_at, c.turn
