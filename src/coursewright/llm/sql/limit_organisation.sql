-- Set what an organisation may do.
insert into coursewright.spending_limits (organisation_id, total_cap, month_cap, calls_at_once, provider_storage)
values (%(organisation)s, %(total)s, %(month)s, %(calls_at_once)s, %(provider_storage)s)
on conflict (organisation_id) do update
   set total_cap = excluded.total_cap, month_cap = excluded.month_cap, calls_at_once = excluded.calls_at_once,
       provider_storage = excluded.provider_storage
