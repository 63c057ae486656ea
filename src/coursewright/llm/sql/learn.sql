-- Tell limit, breaker and lengths how a send went.
select coursewright.learn(%(told)s)
