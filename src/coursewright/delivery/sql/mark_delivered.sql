-- Written, and marked as such in the same transaction.
update coursewright.deliveries set state = 'delivered', last_error = null, ended_at = clock_timestamp()
 where id = %(id)s and attempts = %(attempts)s
