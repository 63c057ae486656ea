-- Take back expired leases.
select coursewright.rescue_tasks(%(max_rescues)s) as n
