-- May prompts of an organisation rest at a provider?
select coalesce((select l.provider_storage from coursewright.spending_limits l
                  where l.organisation_id = %(organisation)s), false) as allowed
