-- Do tasks again, and what follows from them.
select coursewright.retry_tasks(%(job_id)s, %(task_ids)s::uuid[]) as n
