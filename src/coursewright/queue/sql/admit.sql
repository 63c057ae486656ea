-- Admit one job and give it its first tasks.
select coursewright.admit(%(worker)s, %(first_tasks)s, %(expected)s) ->> 'job_id' as job_id
