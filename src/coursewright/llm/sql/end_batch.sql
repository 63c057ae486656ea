-- All that a batch brings is on record.
update coursewright.batches set state = 'ended', error = %(error)s, ended_at = clock_timestamp()
 where id = %(batch)s returning id
