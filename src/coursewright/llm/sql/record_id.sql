-- Store the provider's id of a background request.
select coursewright.record_id(%(send)s, %(provider_id)s, %(window)s, %(poll_in)s)
