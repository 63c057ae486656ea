-- Keep what was estimated for a job; the first estimate stands.
insert into coursewright.estimates (job_id, organisation_id, model, work, dollars_low, dollars_high)
values (%(job)s, %(organisation)s, %(model)s, %(work)s, %(low)s, %(high)s)
on conflict (job_id) do nothing
