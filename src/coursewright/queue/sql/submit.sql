-- Ask for a job: within the limits, once for each idempotency key.
select job, state, replayed, mismatch, refused
  from coursewright.submit_job(%(organisation)s, %(submitter)s, %(base)s, %(kind)s, %(body)s, %(config)s, %(retries)s,
                               %(rank)s, %(due)s, %(key)s, %(fingerprint)s, %(windows)s,
                               %(at_once)s)
