-- Stand-ins for what only a Supabase project has: pg_net (its public function, and the table that its worker reads; as
-- in version 0.20) and the Vault's view. `cron` is made by the test, where the real extension is not there.
create schema net;
create table net.http_request_queue (
    id bigserial primary key, method text not null, url text not null, headers jsonb, body bytea,
    timeout_milliseconds integer not null);
create function net.http_post(
    url text, body jsonb default '{}'::jsonb, params jsonb default '{}'::jsonb,
    headers jsonb default '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds integer default 5000)
returns bigint language plpgsql as $$
declare
    request_id bigint;
begin
    if headers ->> 'Content-Type' <> 'application/json' or body is null then
        raise exception 'Content-Type header must be "application/json"';
    end if;
    insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    values ('POST', http_post.url, http_post.headers, convert_to(http_post.body::text, 'UTF8'),
            http_post.timeout_milliseconds) returning id into request_id;
    return request_id;
end $$;

create schema vault;
create table vault.secrets (id uuid primary key default gen_random_uuid(), name text unique, secret text);
create view vault.decrypted_secrets as select id, name, secret, secret as decrypted_secret from vault.secrets;
create function vault.create_secret(new_secret text, new_name text default null, new_description text default '')
returns uuid language sql as $$ insert into vault.secrets (name, secret) values (new_name, new_secret) returning id $$;
