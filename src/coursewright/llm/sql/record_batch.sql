-- Store the provider's id of a batch.
select coursewright.record_batch(%(batch)s, %(provider_id)s, %(window)s, %(poll_in)s)
