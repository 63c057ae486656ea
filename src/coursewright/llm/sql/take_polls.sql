-- Take background replies that are due to be asked for.
select * from coursewright.take_polls(%(most)s, %(every)s)
