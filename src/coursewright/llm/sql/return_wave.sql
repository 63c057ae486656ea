-- The provider has not taken a batch; its calls wait for the next one.
select coursewright.return_wave(%(batch)s, %(why)s)
