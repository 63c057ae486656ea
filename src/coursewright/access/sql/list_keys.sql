-- All keys, newest first.
select id, prefix, name, organisation_id, user_id, role, created_at, revoked_at
  from coursewright.api_keys order by created_at desc, id
