-- A new key; only its hash is kept.
insert into coursewright.api_keys (prefix, sha256, name, organisation_id, user_id, role)
values (%(prefix)s, %(sha256)s, %(name)s, %(organisation_id)s, %(user_id)s, %(role)s)
returning id, prefix, name, organisation_id, user_id, role, created_at, revoked_at
