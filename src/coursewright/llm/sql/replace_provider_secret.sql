-- The same key under another master key.
update coursewright.provider_keys set secret = %(secret)s where id = %(id)s
