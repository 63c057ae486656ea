-- Record that a send came to nothing.
select coursewright.record_failure(%(send)s, %(code)s, %(why)s, %(billed)s, %(retry_in)s)
