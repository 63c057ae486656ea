-- What is reserved, settled and suspected in one budget, and its cap; a month's is the current one. The cap of an
-- organisation stands before anything was spent.
select coalesce(b.reserved, 0) as reserved, coalesce(b.settled, 0) as settled, coalesce(b.suspected, 0) as suspected,
       coalesce(b.cap, case asked.scope when 'organisation' then l.total_cap when 'month' then l.month_cap end) as cap
  from (values (%(scope)s::text, %(owner)s::uuid)) asked (scope, owner)
  left join coursewright.budgets b on b.scope = asked.scope and b.owner = asked.owner
   and b.period = case b.scope when 'month' then date_trunc('month', clock_timestamp() at time zone 'utc')::date
                               else '-infinity' end
  left join coursewright.spending_limits l on l.organisation_id = asked.owner
