-- Whom a key in force stands for.
select organisation_id, user_id, role from coursewright.api_keys where sha256 = %(sha256)s and revoked_at is null
