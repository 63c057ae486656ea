-- Find a stored answer, join somebody's call, or begin a send.
select coursewright.begin_call(%(asked)s) as begun
