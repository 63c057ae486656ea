-- What a job has taken so far: time, attempts, calls to models with their tokens, and money.
select coursewright.measure_job(j) as performance, coursewright.job_spend(j.id)::float as spend_usd,
       c.calls, c.cache_hits, s.requests, s.input_tokens, s.cached_tokens, s.output_tokens
  from public.course_generation_jobs j,
       lateral (select count(*)::int as calls, coalesce(sum(c.hits), 0)::int as cache_hits
                  from coursewright.calls c where c.job_id = j.id) c,
       lateral (select count(*)::int as requests, coalesce(sum(s.input_tokens), 0)::bigint as input_tokens,
                       coalesce(sum(s.cached_tokens), 0)::bigint as cached_tokens,
                       coalesce(sum(s.output_tokens), 0)::bigint as output_tokens
                  from coursewright.sends s where s.job_id = j.id) s
 where j.id = %(job_id)s and (j.organisation_id = %(organisation_id)s) is true
