-- Jobs at once of one user: an entry may carry how many, and is admitted only while fewer of the user's are under way.
--
-- Ready entries are those that may be admitted at once, so one that waits for its user's others is not ready but capped.
-- A user's entries are dealt with under the rotation row of the organisation, which every change of them takes anyway.

alter table public.course_generation_queue
    add column if not exists user_id uuid,                           -- of the job, where there is a limit
    add column if not exists at_once integer check (at_once > 0),    -- null: no limit of the user's
    add column if not exists granted boolean not null default false, -- the user's limit lets it go
    add column if not exists capped boolean not null default false;  -- it waits for that
create index if not exists course_generation_queue_capped
    on public.course_generation_queue (organisation_id, user_id, (- priority), seq) where capped;
create index if not exists course_generation_queue_granted
    on public.course_generation_queue (organisation_id, user_id) where granted or occupies;

-- Before every write of an entry, after derive_entry: what is not granted is not ready. An entry that is made for a job
-- again keeps the limit that the job was asked for under.
create function coursewright.grant_entry() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        new.granted := false;
        new.at_once := coalesce(new.at_once, (
            select q.at_once from public.course_generation_queue q
             where q.job_id = new.job_id and q.at_once is not null order by q.seq desc limit 1));
        select coalesce(j.user_id, coursewright.nobody()) into new.user_id
          from public.course_generation_jobs j where j.id = new.job_id;
    end if;
    new.granted := new.at_once is not null and new.granted and (new.ready or new.occupies);
    new.capped := new.at_once is not null and new.ready and not new.granted;
    new.ready := new.ready and not new.capped;
    return new;
end $$;
create trigger coursewright_grant_entry before insert or update on public.course_generation_queue
    for each row execute function coursewright.grant_entry();

-- Let a user's entries go, the first by priority and age, as far as the limit allows. One that is ready and stands behind
-- one that waits gives its place up. What somebody holds is passed over: whoever holds it deals anew, or the sweep does.
create function coursewright.deal_turns(organisation uuid, who uuid) returns integer language plpgsql as $$
declare
    first record;
    held integer;
    dealt integer := 0;
begin
    perform from coursewright.rotation r where r.organisation_id = organisation for no key update;
    loop
        select count(*) into held from public.course_generation_queue q
         where q.organisation_id = organisation and q.user_id = who and (q.granted or q.occupies);
        select q.id, q.at_once, - q.priority as rank, q.seq into first from public.course_generation_queue q
         where q.organisation_id = organisation and q.user_id = who and q.capped and q.at_once >= held
         order by q.at_once = held, - q.priority, q.seq limit 1 for no key update skip locked;
        exit when not found;
        if first.at_once = held then
            with last as (
                select q.id from public.course_generation_queue q
                 where q.organisation_id = organisation and q.user_id = who and q.granted and q.ready
                   and (- q.priority, q.seq) > (first.rank, first.seq)
                 order by - q.priority desc, q.seq desc limit 1 for no key update skip locked)
            update public.course_generation_queue q set granted = false from last where q.id = last.id;
            exit when not found;
        end if;
        update public.course_generation_queue q set granted = true where q.id = first.id and q.capped;
        dealt := dealt + 1;
    end loop;
    return dealt;
end $$;

-- After every statement that writes limited entries.
create function coursewright.deal_changed() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    whose record;
begin
    if tg_op = 'INSERT' then
        for whose in select distinct n.organisation_id, n.user_id from added n where n.capped order by 1, 2 loop
            perform coursewright.deal_turns(whose.organisation_id, whose.user_id);
        end loop;
    elsif tg_op = 'DELETE' then
        for whose in select distinct o.organisation_id, o.user_id from removed o
                      where o.granted or o.occupies order by 1, 2 loop
            perform coursewright.deal_turns(whose.organisation_id, whose.user_id);
        end loop;
    else
        for whose in select distinct n.organisation_id, n.user_id from added n join removed o on o.id = n.id
                      where (n.at_once, n.priority, n.ready, n.capped, n.occupies)
                            is distinct from (o.at_once, o.priority, o.ready, o.capped, o.occupies)
                      order by 1, 2 loop
            perform coursewright.deal_turns(whose.organisation_id, whose.user_id);
        end loop;
    end if;
    return null;
end $$;
create trigger coursewright_deal_inserted after insert on public.course_generation_queue
    referencing new table as added for each statement execute function coursewright.deal_changed();
create trigger coursewright_deal_updated after update on public.course_generation_queue
    referencing old table as removed new table as added for each statement execute function coursewright.deal_changed();
create trigger coursewright_deal_deleted after delete on public.course_generation_queue
    referencing old table as removed for each statement execute function coursewright.deal_changed();

-- Entries that were passed over because somebody held them. Looks from user to user along the index, and locks only where
-- there is room. Returns how many are let go.
create function coursewright.sweep_turns() returns integer language plpgsql as $$
declare
    whose record;
    dealt integer := 0;
begin
    for whose in
        with recursive waiting as (
            (select q.organisation_id, q.user_id from public.course_generation_queue q
              where q.capped order by 1, 2 limit 1)
            union all
            select n.organisation_id, n.user_id from waiting w cross join lateral (
                select q.organisation_id, q.user_id from public.course_generation_queue q
                 where q.capped and (q.organisation_id, q.user_id) > (w.organisation_id, w.user_id)
                 order by 1, 2 limit 1) n)
        select w.organisation_id, w.user_id from waiting w
         where (select max(q.at_once) from public.course_generation_queue q
                 where q.organisation_id = w.organisation_id and q.user_id = w.user_id and q.capped)
               > (select count(*) from public.course_generation_queue q
                   where q.organisation_id = w.organisation_id and q.user_id = w.user_id and (q.granted or q.occupies))
         order by 1, 2
    loop
        dealt := dealt + coursewright.deal_turns(whose.organisation_id, whose.user_id);
    end loop;
    return dealt;
end $$;

-- Whoever resumes a job puts it back into the queue, where its turn comes at once if there is room: so that admission
-- alone lets jobs begin, and no limit is exceeded.
create function coursewright.queue_resumed() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    if coursewright.is_ours(new.job_type) then
        new.status := 'queued';
    end if;
    return new;
end $$;
create trigger coursewright_queue_resumed before update of status on public.course_generation_jobs
    for each row when (old.status = 'paused' and new.status = 'processing') execute function coursewright.queue_resumed();

revoke execute on function coursewright.grant_entry(), coursewright.deal_turns(uuid, uuid), coursewright.deal_changed(),
    coursewright.sweep_turns(), coursewright.queue_resumed() from public;
