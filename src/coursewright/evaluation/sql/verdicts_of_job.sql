-- How each reply of a job was judged.
select task_key, turn, state = 'accepted' as accepted, coalesce(reason, '') as reason
  from coursewright.calls where job_id = %(job)s and state in ('accepted', 'rejected') order by created_at, turn
