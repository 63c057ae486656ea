-- What became of a try, if it is still the newest one. The job's story tells of what was given up, and at once of tables
-- that could not be written: that seldom mends itself.
with settled as (
    update coursewright.deliveries d
       set state = %(state)s, last_error = %(error)s, run_at = clock_timestamp() + make_interval(secs => %(again_in)s),
           ended_at = case when %(state)s <> 'waiting' then clock_timestamp() end
     where d.id = %(id)s and d.attempts = %(attempts)s and d.state = 'waiting'
    returning d.id, d.job_id, d.way, d.state, d.attempts)
insert into public.course_generation_logs (job_id, level, message, source, details)
select s.job_id, 'warning',
       format(case s.way when 'tables' then 'The course could not be written into the application''s tables: %%s.'
                         else 'The application could not be told that this job has ended: %%s.' end,
              rtrim(%(error)s::text, '. '))
           || case s.state when 'dead' then format(' It was given up after %%s %%s.', s.attempts,
                                                   case s.attempts when 1 then 'try' else 'tries' end)
                           else ' It is tried again.' end,
       'delivery', jsonb_build_object('delivery', s.id, 'way', s.way, 'attempts', s.attempts)
  from settled s
 where s.state = 'dead' or (s.state = 'waiting' and s.way = 'tables' and s.attempts = 1)
