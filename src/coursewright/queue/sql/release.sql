-- Hand a task back without a failure.
select coursewright.release_task(
    %(task_id)s, %(attempt)s, make_interval(secs => %(seconds)s), %(waits_for)s, %(because)s) as held
