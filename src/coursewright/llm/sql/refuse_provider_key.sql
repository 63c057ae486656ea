-- A provider took a key no more: others of the same owner are tried first. Returns whether there are any.
with refused as (
    update coursewright.provider_keys set refused_at = clock_timestamp()
     where provider = %(provider)s and fingerprint = %(fingerprint)s and revoked_at is null
       and organisation_id is not distinct from %(owner)s::uuid
    returning id)
select exists (select from coursewright.provider_keys k
                where k.provider = %(provider)s and k.revoked_at is null and k.refused_at is null
                  and k.organisation_id is not distinct from %(owner)s::uuid
                  and k.fingerprint <> %(fingerprint)s) as others
