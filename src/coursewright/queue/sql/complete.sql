-- Complete a task under its fence.
select coursewright.complete_task(%(task_id)s, %(attempt)s, %(output)s, %(metadata)s, %(tasks)s, %(result)s) as held
