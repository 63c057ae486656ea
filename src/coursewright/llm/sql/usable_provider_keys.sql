-- The keys in force that one organisation may use, its own and the installation's: the first is the one to use.
select id, organisation_id, provider, fingerprint, secret, refused_at is not null as refused
  from coursewright.provider_keys k
 where k.provider = %(provider)s and k.revoked_at is null
   and (k.organisation_id = %(organisation)s or k.organisation_id is null)
 order by k.organisation_id is null, k.refused_at is not null, k.created_at desc
