-- Put a key in force; one that is there already is taken back into favour.
insert into coursewright.provider_keys as k (organisation_id, provider, fingerprint, name, secret)
values (%(organisation)s, %(provider)s, %(fingerprint)s, %(name)s, %(secret)s)
on conflict (provider, organisation_id, fingerprint) where revoked_at is null do update
   set name = excluded.name, secret = excluded.secret, refused_at = null, created_at = clock_timestamp()
returning id, organisation_id, provider, fingerprint, name, created_at, refused_at, revoked_at
