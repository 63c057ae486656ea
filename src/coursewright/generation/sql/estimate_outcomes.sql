-- What the newest finished courses took in which the same models did the same, beside what was
-- estimated, by kind of task; newest course first.
-- Calls count all turns; those that an earlier job had paid count, too: the estimate does not take them off.
with newest as (
    select e.job_id, e.work, row_number() over (order by e.created_at desc) as place
      from coursewright.estimates e join public.course_generation_jobs j on j.id = e.job_id
     where e.organisation_id = %(organisation)s and j.status = 'completed'
       and not exists (
           select from jsonb_to_recordset(e.work) as w (kind text, model text)
            where %(models)s::jsonb ->> w.kind is distinct from coalesce(w.model, e.model))
     order by e.created_at desc limit %(most)s),
took as (
    select n.job_id, c.kind, count(*) as calls, sum(s.input_tokens) as input, sum(s.output_tokens) as output
      from newest n
      join coursewright.calls c on c.job_id = n.job_id
           or exists (select from coursewright.call_uses u where (u.job_id, u.call_id) = (n.job_id, c.id))
      join coursewright.sends s on s.id = c.send_id and s.state = 'settled'
     group by 1, 2)
select n.place::integer as course, w.kind, w.calls as calls_estimated, w.calls * w.input as input_estimated,
       w.calls * w.output as output_estimated, coalesce(t.calls, 0)::integer as calls,
       coalesce(t.input, 0)::integer as input, coalesce(t.output, 0)::integer as output
  from newest n
 cross join lateral jsonb_to_recordset(n.work) as w (kind text, calls integer, input integer, output integer)
  left join took t on t.job_id = n.job_id and t.kind = w.kind
 where w.calls > 0
 order by n.place, w.kind
