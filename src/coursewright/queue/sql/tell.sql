-- Tell in a job's story of what may happen over and over; the same again only after a while.
select coursewright.tell(%(job_id)s, %(kind)s, %(payload)s, %(same)s)
