-- Every key in force, encrypted, for another master key.
select id, organisation_id, provider, fingerprint, secret from coursewright.provider_keys
 where revoked_at is null order by id for update
