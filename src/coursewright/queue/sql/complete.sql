-- Complete tasks under their fences; those that do not come back belong to jobs that others have locked.
select task, held from coursewright.complete_tasks(%(done)s, %(wait)s)
