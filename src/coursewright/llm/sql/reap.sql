-- A round of duties: give up what nobody will bring, and take back tickets; the calls that are free again.
with begun as materialized (select coursewright.note_round()),
expired as materialized (select coursewright.expire_tickets() from begun),
orphaned as (
    update coursewright.batches set state = 'ended', error = 'Its submitter was lost.', ended_at = clock_timestamp()
     where state = 'submitting' and deadline_at < clock_timestamp())
select coalesce(array_agg(call), '{}') as calls from expired, coursewright.reap_sends() call
