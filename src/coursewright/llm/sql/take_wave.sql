-- Pool waiting calls into a wave.
select coursewright.take_wave(%(wait)s, %(enough)s, %(most_calls)s, %(most_tokens)s, %(submit)s) as wave
