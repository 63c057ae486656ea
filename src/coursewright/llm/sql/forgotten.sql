-- Replies that are to be deleted from the first level, the oldest first.
select f.key, f.organisation_id from coursewright.forgotten f order by f.at limit 500
