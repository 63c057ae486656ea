-- A call settled: its tasks are due.
select coursewright.wake_tasks(%(call)s) as n
