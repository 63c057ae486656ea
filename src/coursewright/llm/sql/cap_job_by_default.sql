-- Cap a job that nobody has capped; a cap that stands is left alone.
insert into coursewright.budgets (scope, owner, organisation_id, cap)
values ('job', %(job)s, %(organisation)s, %(dollars)s::numeric)
on conflict (scope, owner, period) do update set cap = excluded.cap where budgets.cap is null
