-- Record what was thought of an answer.
select coursewright.record_verdict(%(call)s, %(accepted)s, %(why)s, %(cache)s)
