-- A round of duties: give up what nobody will bring, and take back tickets; the calls that are free again. In this order,
-- as budgets are locked before limits everywhere.
with begun as materialized (select coursewright.note_round()),
orphaned as (
    update coursewright.batches set state = 'ended', error = 'Its submitter was lost.', ended_at = clock_timestamp()
     where state = 'submitting' and deadline_at < clock_timestamp()),
given_up as materialized (select call from begun, coursewright.reap_sends() call),
expired as materialized (select coursewright.expire_tickets() from (select count(*) from given_up) after)
select coalesce((select array_agg(call) from given_up), '{}') as calls from expired
