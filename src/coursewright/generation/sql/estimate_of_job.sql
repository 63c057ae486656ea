-- What was told of a job's cost before it began.
select model, dollars_low, dollars_high from coursewright.estimates where job_id = %(job)s
