-- Allow modes in which an organisation's prompts rest at a provider.
insert into coursewright.spending_limits (organisation_id, provider_storage) values (%(organisation)s, true)
on conflict (organisation_id) do update set provider_storage = true
