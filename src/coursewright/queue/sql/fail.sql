-- Record a failure under the fence; retried later or final, as the task's counts say.
select coursewright.fail_task(%(task_id)s, %(attempt)s, make_interval(secs => %(retry_in)s), %(category)s, %(message)s,
                              %(details)s, %(severity)s, %(recoverable)s, %(suggestions)s::text[]) as held
