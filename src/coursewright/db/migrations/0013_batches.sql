-- Batches: calls of one organisation, model and key that are not urgent, handed in together at a lower price. A call
-- waits (`waiting`), is pooled into a wave, and from then on lives like any other send: with a deadline, and a reply that
-- is stored as it comes. Lock order as in 0012; taking a wave locks the limit first and then only skips.

create table coursewright.batches (
    id uuid primary key default gen_random_uuid(),
    organisation_id uuid not null,
    endpoint text not null,
    fingerprint text not null,
    model text not null,
    state text not null default 'submitting' check (state in ('submitting', 'submitted', 'cancelling', 'ended')),
    provider_id text,
    calls integer not null,
    deadline_at timestamptz not null,         -- of the submitter, then of the batch
    poll_at timestamptz,
    error text,
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
) with (fillfactor = 70);
create index batches_live on coursewright.batches (poll_at) where state in ('submitted', 'cancelling');
create index sends_waiting on coursewright.sends (organisation_id, endpoint, fingerprint, model, started_at)
    where state = 'waiting';
alter table coursewright.batches enable row level security;

-- Pool waiting calls into a wave when the oldest has waited long enough or there are enough of them, within the tokens
-- that the provider lets wait. Returns {batch, organisation, model, fingerprint, items: [{call, prompt}]}, or
-- null.
create function coursewright.take_wave(wait_seconds double precision, enough integer, most_calls integer,
                                       most_tokens double precision, submit_seconds double precision)
returns jsonb language plpgsql as $$
declare
    g record;
    wave uuid[];
    live double precision;
    batch uuid;
begin
    for g in select s.organisation_id, s.endpoint, s.fingerprint, s.model
               from coursewright.sends s where s.state = 'waiting'
              group by 1, 2, 3, 4
             having min(s.started_at) < clock_timestamp() - make_interval(secs => wait_seconds)
                 or (count(*) >= enough and not exists (  -- a provider that has just refused one is left alone
                    select from coursewright.batches b
                     where b.error is not null
                       and (b.organisation_id, b.endpoint, b.fingerprint, b.model)
                         = (s.organisation_id, s.endpoint, s.fingerprint, s.model)
                       and b.ended_at > clock_timestamp() - make_interval(secs => wait_seconds)))
              order by min(s.started_at) loop
        perform from coursewright.lock_limit(g.endpoint, g.model, g.fingerprint, null, null, false);
        select coalesce(sum(s.limit_tokens), 0) into live from coursewright.sends s
         where s.mode = 'batch' and s.state in ('submitting', 'submitted')
           and (s.endpoint, s.fingerprint, s.model) = (g.endpoint, g.fingerprint, g.model);
        with locked as materialized (
            select s.id, s.limit_tokens, s.started_at
              from coursewright.sends s join coursewright.calls c on c.id = s.call_id
             where s.state = 'waiting' and (s.organisation_id, s.endpoint, s.fingerprint, s.model)
                 = (g.organisation_id, g.endpoint, g.fingerprint, g.model)
             order by s.started_at, s.id limit most_calls for update of c, s skip locked),
        summed as (
            select l.id, sum(l.limit_tokens) over (order by l.started_at, l.id) as upto from locked l)
        select array_agg(w.id) into wave from summed w
         where w.upto + live <= most_tokens
            or (live = 0 and w.upto = (select min(f.upto) from summed f));  -- more than may ever wait: it goes alone
        continue when wave is null;
        insert into coursewright.batches (organisation_id, endpoint, fingerprint, model, calls, deadline_at)
        values (g.organisation_id, g.endpoint, g.fingerprint, g.model, cardinality(wave),
                clock_timestamp() + make_interval(secs => submit_seconds))
        returning id into batch;
        update coursewright.sends s
           set state = 'submitting', batch_id = batch,
               deadline_at = clock_timestamp() + make_interval(secs => submit_seconds)
         where s.id = any (wave);
        update coursewright.calls c set state = 'submitting'
          from coursewright.sends s where s.id = any (wave) and c.id = s.call_id and c.send_id = s.id;
        return jsonb_build_object('batch', batch, 'organisation', g.organisation_id, 'model', g.model,
                                  'fingerprint', g.fingerprint, 'items', (
            select jsonb_agg(jsonb_build_object('call', s.call_id, 'prompt', t.prompt))
              from coursewright.sends s join coursewright.call_texts t using (call_id) where s.id = any (wave)));
    end loop;
    return null;
end $$;

-- The provider has taken a batch. Its calls may take `window` seconds; what is fetched two hours later is given up.
create function coursewright.record_batch(batch uuid, provider text, "window" double precision, poll_in double precision)
returns void language plpgsql as $$
begin
    perform from coursewright.calls c join coursewright.sends s on s.call_id = c.id where s.batch_id = batch
      order by c.organisation_id, c.id for update of c;
    update coursewright.batches b
       set state = 'submitted', provider_id = provider,
           deadline_at = clock_timestamp() + make_interval(secs => "window"),
           poll_at = clock_timestamp() + make_interval(secs => poll_in)
     where b.id = batch;
    if not found then
        raise exception 'no such batch: %', batch using errcode = 'foreign_key_violation';
    end if;
    update coursewright.sends s
       set state = 'submitted', deadline_at = clock_timestamp() + make_interval(secs => "window" + 7200)
     where s.batch_id = batch and s.state = 'submitting';
    update coursewright.calls c set state = 'submitted'
      from coursewright.sends s where s.batch_id = batch and c.id = s.call_id and c.send_id = s.id and c.state = 'submitting';
end $$;

-- The provider has not taken a batch: its calls wait for the next one.
create function coursewright.return_wave(batch uuid, why text) returns void language plpgsql as $$
begin
    perform from coursewright.calls c join coursewright.sends s on s.call_id = c.id where s.batch_id = batch
      order by c.organisation_id, c.id for update of c;
    update coursewright.calls c set state = 'waiting'
      from coursewright.sends s where s.batch_id = batch and c.id = s.call_id and c.send_id = s.id and c.state = 'submitting';
    update coursewright.sends s
       set state = 'waiting', batch_id = null, started_at = clock_timestamp(),
           deadline_at = clock_timestamp() + interval '1 day'
     where s.batch_id = batch and s.state = 'submitting';
    update coursewright.batches b set state = 'ended', error = why, ended_at = clock_timestamp() where b.id = batch;
end $$;

-- Take a batch that is due to be asked for, for `every` seconds. `late`: it has had its time; `over`: and so have its
-- calls.
create function coursewright.take_batch(every double precision)
returns table (id uuid, organisation_id uuid, model text, fingerprint text, provider_id text, late boolean,
               over boolean, cancelling boolean)
language sql as $$
    with due as (
        select b.id from coursewright.batches b
         where b.state in ('submitted', 'cancelling') and b.poll_at <= clock_timestamp()
         order by b.poll_at limit 1 for update skip locked)
    update coursewright.batches b set poll_at = clock_timestamp() + make_interval(secs => every)
      from due where b.id = due.id
    returning b.id, b.organisation_id, b.model, b.fingerprint, b.provider_id, b.deadline_at < clock_timestamp(),
              b.deadline_at < clock_timestamp() - interval '2 hours', b.state = 'cancelling';
$$;
