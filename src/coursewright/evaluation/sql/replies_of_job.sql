-- Every reply that a job got or used, kept or rejected; the reply is null where its text was deleted.
select c.task_key, c.kind, c.turn, c.model, t.reply, coalesce(s.cost, 0)::double precision as dollars,
       coalesce(extract(epoch from s.ended_at - s.started_at), 0)::double precision as seconds
  from coursewright.calls c
  left join coursewright.call_texts t on t.call_id = c.id
  left join coursewright.sends s on s.id = c.send_id
 where c.state in ('accepted', 'rejected')
   and (c.job_id = %(job)s or exists (select from coursewright.call_uses u where (u.job_id, u.call_id) = (%(job)s, c.id)))
 order by c.created_at, c.turn
