-- Take a batch that is due to be asked for.
select * from coursewright.take_batch(%(every)s)
