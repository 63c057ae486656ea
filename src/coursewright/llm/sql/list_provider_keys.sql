-- All keys of providers, without the keys; those in force first.
select id, organisation_id, provider, fingerprint, name, created_at, refused_at, revoked_at
  from coursewright.provider_keys
 order by revoked_at is not null, provider, organisation_id nulls first, created_at desc
