-- End a key that is in force.
update coursewright.api_keys set revoked_at = clock_timestamp() where id = %(id)s and revoked_at is null returning id
