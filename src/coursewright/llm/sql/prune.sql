-- Delete texts that are old or too many for their organisation, but none that was used within a day; and those whose
-- sources were deleted while they were in flight.
with kept as (
    select t.call_id, c.used_at, c.forget,
           sum(t.bytes) over (partition by t.organisation_id order by c.used_at desc, c.id) as upto
      from coursewright.call_texts t join coursewright.calls c on c.id = t.call_id
     where c.state not in ('waiting', 'submitting', 'submitted')),
gone as (
    delete from coursewright.call_texts t using kept k
     where k.call_id = t.call_id
       and (k.forget or (k.used_at < clock_timestamp() - interval '1 day'
            and (k.used_at < clock_timestamp() - make_interval(days => 1) * %(days)s::double precision
                 or k.upto > %(bytes)s)))
    returning 1),
told as (  -- no first level holds anything for so long
    delete from coursewright.forgotten f where f.at < clock_timestamp() - interval '8 days')
select count(*) as deleted from gone
