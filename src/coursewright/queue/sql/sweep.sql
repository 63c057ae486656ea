-- Pick up jobs without an entry, and admitted jobs that nobody began.
select coursewright.sweep_jobs(%(first_tasks)s, %(expected)s, make_interval(secs => %(silence)s)) as n
