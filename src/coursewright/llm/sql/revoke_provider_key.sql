-- End a key that is in force. What it was is forgotten; its fingerprint stays for the ledger.
update coursewright.provider_keys set revoked_at = clock_timestamp(), secret = ''
 where id = %(id)s and revoked_at is null returning id
