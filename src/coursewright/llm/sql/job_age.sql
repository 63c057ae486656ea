-- Seconds since a job's first call; null: it made none.
select extract(epoch from clock_timestamp() - min(c.created_at))::double precision as age
  from coursewright.calls c where c.job_id = %(job)s
