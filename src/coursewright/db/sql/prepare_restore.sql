-- Roles belong to a server, and are not part of a dump: what it grants and guards needs this one (migration 0020).
do $$
begin
    if not exists (select from pg_roles where rolname = 'coursewright_api') then
        create role coursewright_api nologin;
    end if;
    if not pg_has_role(current_user, 'coursewright_api', 'member') then
        grant coursewright_api to current_user;
    end if;
end $$
