-- Set the hard cap of a job; null lifts it.
select coursewright.set_cap('job', %(job)s, null, %(organisation)s, %(dollars)s::numeric)
