-- The highest generation of any call of an organisation.
select coalesce(max(c.generation), 0) as newest from coursewright.calls c where c.organisation_id = %(organisation)s
