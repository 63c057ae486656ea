-- What is reserved, settled and suspected in one budget, and its cap; a month's is the current one.
select b.reserved, b.settled, b.suspected, coalesce(b.cap, case b.scope
           when 'organisation' then l.total_cap when 'month' then l.month_cap end) as cap
  from coursewright.budgets b left join coursewright.spending_limits l on l.organisation_id = b.owner
 where b.scope = %(scope)s and b.owner = %(owner)s
   and b.period = case b.scope when 'month' then date_trunc('month', clock_timestamp() at time zone 'utc')::date
                               else '-infinity' end
