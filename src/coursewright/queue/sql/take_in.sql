-- A webhook names a job: keep its request, give it the queue entry that it lacks.
select coursewright.take_in_job(%(job_id)s, %(request)s) as status
