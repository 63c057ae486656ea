-- Whoever was at work when the backup was made is not at work here: leases and calls of theirs are over at once. Replies
-- that rest at a provider can be fetched from here as well.
with workers as (delete from coursewright.workers),
sends as (
    update coursewright.sends set deadline_at = clock_timestamp() where state = 'submitting')
update coursewright.leases set expires_at = clock_timestamp()
