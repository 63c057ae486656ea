-- How long steps of each kind take.
select task_type, seconds from coursewright.expected_seconds()
