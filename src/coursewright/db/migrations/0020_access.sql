-- Who may do what: API keys, and row level security for the connections that answer HTTP requests.

-- A key is shown once and kept as a hash. It acts for one user of one organisation in one role.
create table coursewright.api_keys (
    id uuid primary key default gen_random_uuid(),
    prefix text not null,                   -- the first characters, to tell keys apart
    sha256 bytea not null unique,
    name text not null,
    organisation_id uuid not null,
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null default clock_timestamp(),
    revoked_at timestamptz
);

-- The organisation in whose name the current transaction acts; null outside of one.
create function coursewright.organisation() returns uuid stable language sql as $$
    select nullif(current_setting('coursewright.organisation', true), '')::uuid
$$;

-- The role that a request's transaction takes on. Roles belong to the whole server: another database may make the same
-- one at this moment, and a managed server may refuse. Without it requests rely on the queries' own conditions, and
-- /readyz says so.
do $$
begin
    if not exists (select from pg_roles where rolname = 'coursewright_api') then
        create role coursewright_api nologin;
    end if;
    if not pg_has_role(current_user, 'coursewright_api', 'member') then
        grant coursewright_api to current_user;
    end if;
exception
    when insufficient_privilege or duplicate_object or unique_violation then null;
end $$;

do $$
declare
    -- "is true" keeps the planner from looking a row up by its organisation when the query names the row itself.
    own constant text := '(organisation_id = coursewright.organisation()) is true';
    of_job constant text := 'exists (select from public.course_generation_jobs j where j.id = job_id)';
    of_base constant text := 'exists (select from coursewright.knowledge_bases k where k.id = knowledge_base_id)';
    rule record;
begin
    for rule in select * from (values
            ('public.course_generation_jobs', own), ('public.course_generation_queue', own),
            ('public.course_generation_tasks', of_job), ('coursewright.events', of_job),
            ('coursewright.leases', own), ('coursewright.rotation', own), ('coursewright.courses', own),
            ('coursewright.knowledge_bases', own), ('coursewright.documents', of_base),
            ('coursewright.document_originals', of_base), ('coursewright.passages', of_base)) r (name, condition) loop
        execute format('alter table %s enable row level security', rule.name);
        if exists (select from pg_roles where rolname = 'coursewright_api') then
            execute format('grant select, insert, update, delete on %s to coursewright_api', rule.name);
            execute format('create policy coursewright_api on %s to coursewright_api using (%s) with check (%2$s)',
                           rule.name, rule.condition);
        end if;
    end loop;
    if exists (select from pg_roles where rolname = 'coursewright_api') then
        grant usage on schema public, coursewright to coursewright_api;
        grant select on coursewright.job_types to coursewright_api;
        -- Calls to models are made by workers: requests only read, what is their organisation's own; of provider keys
        -- never the key. Limits, breakers and what is learned of lengths are the installation's.
        for rule in select * from (values
                ('coursewright.calls', own), ('coursewright.sends', own), ('coursewright.call_texts', own),
                ('coursewright.call_uses', 'exists (select from coursewright.calls c where c.id = call_id)'),
                ('coursewright.budgets', own), ('coursewright.spending_limits', own), ('coursewright.batches', own),
                ('coursewright.provider_keys', own)) r (name, condition) loop
            if rule.name <> 'coursewright.provider_keys' then
                execute format('grant select on %s to coursewright_api', rule.name);
            end if;
            execute format('create policy coursewright_api on %s for select to coursewright_api using (%s)',
                           rule.name, rule.condition);
        end loop;
        grant select (id, organisation_id, provider, fingerprint, name, created_at, refused_at, revoked_at)
            on coursewright.provider_keys to coursewright_api;
    end if;
end $$;
