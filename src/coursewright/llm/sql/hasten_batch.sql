-- The batch of that id is to be asked for now.
update coursewright.batches set poll_at = '-infinity'
 where provider_id = %(provider_id)s and state in ('submitted', 'cancelling') returning id
