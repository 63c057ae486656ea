-- Hand a task back that the end of a tick cut off, or fail its job when no tick of this host is long enough.
select coursewright.cut_task(%(task_id)s, %(attempt)s, %(ran)s, %(whole)s, %(most)s, %(message)s,
                             %(suggestions)s::text[]) as held
