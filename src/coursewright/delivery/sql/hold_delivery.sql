-- Keep others from a delivery while it is written; no row when this try is no longer the newest.
select d.id from coursewright.deliveries d
 where d.id = %(id)s and d.attempts = %(attempts)s and d.state = 'waiting' for update
