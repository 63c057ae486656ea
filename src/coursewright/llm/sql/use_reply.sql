-- A stored answer was found in the first level.
select coursewright.use_reply(%(call)s, %(job)s, null)
