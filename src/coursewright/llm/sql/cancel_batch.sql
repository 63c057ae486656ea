-- A batch that had its time was asked to stop.
update coursewright.batches set state = 'cancelling' where id = %(batch)s and state = 'submitted' returning id
