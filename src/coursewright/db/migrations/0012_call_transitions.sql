-- The life of a call. Every arrow is one function call in a transaction of its own, and none is open while a provider
-- works. Locks, in this order everywhere: call, send, budgets (organisation, month, job), limit, breaker.

-- Budgets -------------------------------------------------------------------------------------------------------------

-- The locked budgets that a call of this organisation and job is charged to, made where missing. Nothing is locked before
-- all are there: who makes one waits for others who do.
create function coursewright.lock_budgets(organisation uuid, job uuid, of_month date)
returns coursewright.budgets[] language plpgsql as $$
declare
    needed integer := case when job is null then 2 else 3 end;
    locked coursewright.budgets[];
begin
    loop
        select array_agg(l) into locked from (
            select b.* from coursewright.budgets b
             where (b.scope, b.owner, b.period) in (('organisation', organisation, '-infinity'::date),
                                                    ('month', organisation, of_month), ('job', job, '-infinity'::date))
               and needed = (
                   select count(*) from coursewright.budgets x
                    where (x.scope, x.owner, x.period) in (('organisation', organisation, '-infinity'::date),
                        ('month', organisation, of_month), ('job', job, '-infinity'::date)))
             order by array_position(array['organisation', 'month', 'job'], b.scope) for update) l;
        exit when cardinality(locked) = needed;
        perform coursewright.make_budgets(organisation, job, of_month);
    end loop;
    return locked;
end $$;

create function coursewright.make_budgets(organisation uuid, job uuid, of_month date) returns void language plpgsql as $$
begin
    insert into coursewright.budgets (scope, owner, period, organisation_id)
    select v.scope, v.owner, v.period, organisation
      from (values (1, 'organisation', organisation, '-infinity'::date), (2, 'month', organisation, of_month),
                   (3, 'job', job, '-infinity'::date)) v (place, scope, owner, period)
     where v.owner is not null
       and not exists (select from coursewright.budgets b where (b.scope, b.owner, b.period) = (v.scope, v.owner, v.period))
     order by v.place on conflict do nothing;
end $$;

-- Move money of one send: reserved, settled and suspected by these amounts, in all its budgets. `locked`: they are.
create function coursewright.charge(s coursewright.sends, more_reserved numeric, more_settled numeric,
                                    more_suspected numeric, locked boolean default false)
returns void language plpgsql as $$
begin
    if not locked then
        perform coursewright.lock_budgets(s.organisation_id, s.job_id, s.month);
    end if;
    update coursewright.budgets b
       set reserved = b.reserved + coalesce(more_reserved, 0), settled = b.settled + coalesce(more_settled, 0),
           suspected = b.suspected + coalesce(more_suspected, 0)
     where (b.scope, b.owner, b.period) in (('organisation', s.organisation_id, '-infinity'::date),
                                            ('month', s.organisation_id, s.month), ('job', s.job_id, '-infinity'::date));
end $$;

-- Set or lift (null) a hard cap in dollars.
create function coursewright.set_cap(for_scope text, for_owner uuid, for_period date, organisation uuid, dollars numeric)
returns void language sql as $$
    insert into coursewright.budgets (scope, owner, period, organisation_id, cap)
    values (for_scope, for_owner, coalesce(for_period, '-infinity'), organisation, dollars)
    on conflict (scope, owner, period) do update set cap = excluded.cap;
$$;

-- Sends ---------------------------------------------------------------------------------------------------------------

-- A send whose reply nobody will bring: it may have been billed, and its call may be asked again.
create function coursewright.give_up(s coursewright.sends, code text, why text) returns void language plpgsql as $$
begin
    update coursewright.sends x
       set state = case when s.state = 'waiting' then 'released' else 'suspected' end, error = code, detail = why,
           ended_at = clock_timestamp() where x.id = s.id;
    perform coursewright.charge(s, - s.reserved, 0, case when s.state = 'waiting' then 0 else s.reserved end);
    update coursewright.calls c set state = 'open', failures = c.failures + case s.state when 'waiting' then 0 else 1 end
     where c.id = s.call_id and c.send_id = s.id and c.state in ('waiting', 'submitting', 'submitted');
end $$;

-- A stored answer is used, wherever it was found. `cache`: seconds that a first level is going to hold it, if it is.
create function coursewright.use_reply(call uuid, job uuid, cache double precision) returns void
language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    update coursewright.calls c
       set hits = c.hits + 1, used_at = clock_timestamp(),
           cached_until = greatest(c.cached_until, clock_timestamp() + make_interval(secs => cache))
     where c.id = call;
    insert into coursewright.call_uses as u (call_id, job_id)
    select c.id, job from coursewright.calls c where c.id = call and job is not null and job is distinct from c.job_id
    on conflict (job_id, call_id) do update set uses = u.uses + 1, used_at = excluded.used_at;
end $$;

-- Find a stored answer, join somebody's call, or begin a send.
--
-- asked: {keys: [own, then those of other models], key, organisation, job, knowledge_base, documents, kind, task_key,
-- generation, turn, model, endpoint, fingerprint, mode, owner, reserve, price, tokens, deadline (seconds), line, rates:
-- {requests, tokens, by_latency}, calls_at_once, most_failures, month_cap, poll_every, cache (seconds in a first level),
-- prompt (batch only)}.
-- Returns {outcome, call, …}: `stored` (state, model, reply), `pending` (seconds, mode; with `poll` true: fetch
-- provider_id of send now), `send` (send, tokens), `defer` (seconds, why, other), `breaker` (seconds), `budget` (scope,
-- cap, spent, needed), `price` (scope, cap), `worn` (error, detail: it failed too often
-- in a row), `refused` (mode, error, detail: for good, in a batch or in the background) or `unfit` (mode none).
create function coursewright.begin_call(asked jsonb) returns jsonb language plpgsql as $$
declare
    c coursewright.calls;
    s coursewright.sends;
    b coursewright.budgets;
    own coursewright.spending_limits;
    breaker text;
    at timestamptz := clock_timestamp();
    organisation uuid := asked ->> 'organisation';
    job uuid := asked ->> 'job';
    this_month date := date_trunc('month', at at time zone 'utc');
    reserve numeric := asked ->> 'reserve';
    wait double precision;
    cap numeric;
    room integer;
    deferred jsonb;
    reply jsonb;
begin
    -- Another model may have answered this turn already, or be at it.
    if jsonb_array_length(asked -> 'keys') > 1 then
        select * into c from coursewright.calls x
         where x.key = any (array(select jsonb_array_elements_text(asked -> 'keys'))) and x.key <> asked ->> 'key'
           and x.state in ('answered', 'accepted', 'rejected', 'submitted', 'submitting', 'waiting')
         order by array_position(array['accepted', 'answered', 'rejected', 'submitted', 'submitting', 'waiting'], x.state)
         limit 1 for update;
    end if;
    if c.id is null then
        select * into c from coursewright.calls x where x.key = asked ->> 'key' for update;
    end if;
    while c.id is null loop
        insert into coursewright.calls (key, organisation_id, job_id, knowledge_base_id, documents, kind, task_key,
                                        generation, turn, model, endpoint, fingerprint)
        values (asked ->> 'key', organisation, job, (asked ->> 'knowledge_base')::uuid,
                array(select jsonb_array_elements_text(asked -> 'documents')), asked ->> 'kind', asked ->> 'task_key',
                (asked ->> 'generation')::integer, (asked ->> 'turn')::integer, asked ->> 'model', asked ->> 'endpoint',
                asked ->> 'fingerprint')
        on conflict (key) do nothing returning * into c;
        exit when found;  -- nobody else sees it yet
        select * into c from coursewright.calls x where x.key = asked ->> 'key' for update;
    end loop;

    if c.state in ('answered', 'accepted', 'rejected') then
        select t.reply into reply from coursewright.call_texts t where t.call_id = c.id;
        if reply is not null then
            perform coursewright.use_reply(c.id, job, (asked ->> 'cache')::double precision);
            return jsonb_build_object('outcome', 'stored', 'call', c.id, 'state', c.state, 'model', c.model,
                                      'key', c.key, 'reply', reply);
        end if;
        c.state := 'open';  -- its texts were deleted
        update coursewright.calls x set state = 'open' where x.id = c.id;
    end if;

    if c.state in ('waiting', 'submitting', 'submitted') then
        select * into s from coursewright.sends x where x.id = c.send_id for update;
        if s.state = 'waiting' and asked ->> 'mode' in ('sync', 'flex', 'background') then
            perform coursewright.give_up(s, 'too_urgent', 'It became urgent before its batch was handed in.');
            c.state := 'open';
        elsif s.deadline_at > at then
            wait := coursewright.seconds_until(s.deadline_at, at) + 0.1;
            if s.state = 'submitted' and s.mode = 'background' then
                if s.poll_at <= at then
                    update coursewright.sends x
                       set poll_at = at + make_interval(secs => (asked ->> 'poll_every')::double precision)
                     where x.id = s.id;
                    return jsonb_build_object('outcome', 'pending', 'call', c.id, 'mode', s.mode, 'poll', true,
                                              'send', s.id, 'provider_id', s.provider_id, 'price', s.price,
                                              'model', s.model, 'fingerprint', s.fingerprint,
                                              'age', coursewright.seconds_until(at, s.started_at),
                                              'seconds', asked -> 'poll_every');
                end if;
                wait := coursewright.seconds_until(s.poll_at, at) + 0.05;
            elsif s.mode = 'batch' then
                wait := least(wait, 300);
                if asked ->> 'mode' in ('sync', 'background') then
                    -- It has become urgent: its batch ends now, what is finished can still be had.
                    update coursewright.batches x set deadline_at = at
                     where x.id = s.batch_id and x.state = 'submitted' and x.deadline_at > at;
                    wait := least(wait, 60);
                end if;
            else  -- it may settle before this task says that it waits for it, and then nobody wakes the task
                wait := least(wait, 15);
            end if;
            return jsonb_build_object('outcome', 'pending', 'call', c.id, 'mode', s.mode, 'poll', false, 'seconds', wait);
        end if;
        if c.state <> 'open' then
            perform coursewright.give_up(s, 'caller_lost', 'No reply was stored before the deadline.');
            c.state := 'open';
        end if;
    end if;

    deferred := jsonb_build_object('outcome', 'defer', 'call', c.id);
    if c.key <> asked ->> 'key' then
        return deferred || jsonb_build_object('seconds', 0.05, 'why', 'another model gave no answer');
    end if;
    if c.failures > 0 then
        -- What a provider refused while nobody was there to hear it. What is wrong with an account may be mended later.
        select * into s from coursewright.sends x
         where x.id = c.send_id and x.state = 'released'
           and (x.mode = 'background' or (x.mode = 'batch' and asked ->> 'mode' = 'batch'))
           and (x.error in ('request_refused', 'prompt_too_long')
                or (x.mode = 'batch' and x.ended_at > at - interval '10 minutes'
                    and x.error in ('needs_action', 'key_refused', 'quota_exhausted', 'unknown_model')));
        if found then
            return jsonb_build_object('outcome', 'refused', 'call', c.id, 'mode', s.mode, 'error', s.error,
                                      'detail', s.detail);
        end if;
    end if;
    if asked ->> 'mode' = 'none' then
        return jsonb_build_object('outcome', 'unfit', 'call', c.id);
    elsif c.failures >= (asked ->> 'most_failures')::integer then
        select y.error, y.detail into s.error, s.detail from coursewright.sends y where y.id = c.send_id;
        return jsonb_build_object('outcome', 'worn', 'call', c.id, 'error', s.error, 'detail', s.detail);
    elsif c.retry_at > at then
        return deferred || jsonb_build_object('seconds', coursewright.seconds_until(c.retry_at, at), 'why', 'backoff');
    end if;
    select x.state into breaker from coursewright.breakers x
     where (x.endpoint, x.model, x.fingerprint) = (asked ->> 'endpoint', asked ->> 'model', asked ->> 'fingerprint');
    if breaker <> 'closed' then
        wait := coursewright.pass_breaker(asked ->> 'endpoint', asked ->> 'model', asked ->> 'fingerprint', false, 0);
        if wait > 0 then
            return jsonb_build_object('outcome', 'breaker', 'call', c.id, 'seconds', wait);
        end if;
    end if;

    -- Budgets: hard caps, exact, because the rows stay locked until this transaction is on disk. A cap is the budget's
    -- own, else what the organisation may spend, else what the installation allows.
    select * into own from coursewright.spending_limits l where l.organisation_id = organisation;
    foreach b in array coursewright.lock_budgets(organisation, job, this_month) loop
        cap := coalesce(b.cap, case b.scope when 'organisation' then own.total_cap
            when 'month' then coalesce(own.month_cap, (asked ->> 'month_cap')::numeric) end);
        if cap is null then
            continue;
        elsif reserve is null then
            return jsonb_build_object('outcome', 'price', 'call', c.id, 'scope', b.scope, 'cap', cap);
        elsif b.settled + b.suspected + reserve > cap then
            return jsonb_build_object('outcome', 'budget', 'call', c.id, 'scope', b.scope, 'cap', cap,
                                      'spent', b.settled + b.suspected, 'needed', reserve);
        elsif b.settled + b.suspected + b.reserved + reserve > cap then
            return deferred || jsonb_build_object('seconds', 5, 'why', 'budget in flight', 'other', (
                select x.call_id from coursewright.sends x
                 where x.state in ('submitting', 'submitted') and x.organisation_id = organisation
                   and (b.scope <> 'job' or x.job_id = job) order by random() limit 1));
        end if;
    end loop;

    if (c.endpoint, c.fingerprint) is distinct from (asked ->> 'endpoint', asked ->> 'fingerprint') then
        c.ticket_due := null;  -- the key was changed since
        c.endpoint := asked ->> 'endpoint';
        c.fingerprint := asked ->> 'fingerprint';
        update coursewright.calls x set ticket_due = null, endpoint = c.endpoint, fingerprint = c.fingerprint
         where x.id = c.id;
    end if;
    if asked ->> 'mode' <> 'batch' then
        room := coalesce(own.calls_at_once, (asked ->> 'calls_at_once')::integer);
        if room <= (select count(*) from coursewright.sends x
                     where x.organisation_id = organisation and x.state in ('submitting', 'submitted')
                       and x.deadline_at > at and x.mode in ('sync', 'flex')) then
            return deferred || jsonb_build_object('seconds', 2, 'why', 'calls at once', 'other', (
                select x.call_id from coursewright.sends x
                 where x.organisation_id = organisation and x.state in ('submitting', 'submitted')
                   and x.mode in ('sync', 'flex')
                 order by random() limit 1));
        end if;
        wait := coursewright.pass_limit(c, (asked ->> 'tokens')::double precision,
                                        (asked ->> 'line')::double precision, asked -> 'rates');
        if wait > 0 then
            perform set_config('synchronous_commit', 'off', true);
            return deferred || jsonb_build_object('seconds', wait, 'why', 'limit');
        elsif wait < 0 then
            return deferred || jsonb_build_object('seconds', 2, 'why', 'load', 'other', (
                select x.call_id from coursewright.sends x
                 where x.state in ('submitting', 'submitted')
                   and (x.endpoint, x.model, x.fingerprint) = (c.endpoint, c.model, c.fingerprint)
                 order by random() limit 1));
        end if;
        if breaker <> 'closed' then
            perform coursewright.pass_breaker(c.endpoint, c.model, c.fingerprint, true,
                                              (asked ->> 'deadline')::double precision);
        end if;
    end if;

    insert into coursewright.sends (call_id, number, organisation_id, job_id, month, endpoint, fingerprint, model, kind,
                                    mode, owner, state, deadline_at, reserved, price, limit_tokens)
    values (c.id, c.sends + 1, organisation, job, this_month, c.endpoint, c.fingerprint, c.model, c.kind,
            asked ->> 'mode', asked ->> 'owner', case asked ->> 'mode' when 'batch' then 'waiting' else 'submitting' end,
            clock_timestamp() + make_interval(secs => (asked ->> 'deadline')::double precision), reserve,
            asked -> 'price',
            case when c.ticket_due is not null then c.ticket_tokens else (asked ->> 'tokens')::double precision end)
    returning * into s;
    perform coursewright.charge(s, s.reserved, 0, 0, locked => true);
    if jsonb_typeof(asked -> 'prompt') = 'object' then
        insert into coursewright.call_texts as t (call_id, organisation_id, prompt) values (c.id, organisation, asked -> 'prompt')
        on conflict (call_id) do update set prompt = excluded.prompt;
    end if;
    update coursewright.calls x
       set state = s.state, send_id = s.id, sends = s.number, ticket_due = null, job_id = coalesce(x.job_id, job),
           forget = false
     where x.id = c.id;
    return jsonb_build_object('outcome', 'send', 'call', c.id, 'send', s.id, 'tokens', s.limit_tokens);
end $$;
-- Plans that do not look at the values are as good here, and are made once for each connection.
alter function coursewright.begin_call set plan_cache_mode = force_generic_plan;


-- The provider has taken a background request: its id, at once. `window`: seconds in which the reply can be fetched.
create function coursewright.record_id(send uuid, provider text, "window" double precision, poll_in double precision)
returns void language plpgsql as $$
declare
    c coursewright.calls;
    s coursewright.sends;
begin
    select x.* into c from coursewright.calls x join coursewright.sends y on y.call_id = x.id where y.id = send
       for update of x;
    select * into s from coursewright.sends x where x.id = send for update;
    if not found then
        raise exception 'no such send: %', send using errcode = 'foreign_key_violation';
    elsif s.state = 'settled' then  -- the provider's own word was quicker
        update coursewright.sends x set provider_id = coalesce(x.provider_id, provider) where x.id = send;
        return;
    elsif s.state = 'suspected' and c.state = 'open' then
        perform coursewright.charge(s, s.reserved, 0, - s.reserved);  -- given up too early
        s.state := 'submitting';
    end if;
    update coursewright.sends x
       set provider_id = provider,
           state = case s.state when 'submitting' then 'submitted' else x.state end,
           deadline_at = clock_timestamp() + make_interval(secs => "window"),
           poll_at = clock_timestamp() + make_interval(secs => poll_in),
           error = null, detail = null, ended_at = null
     where x.id = send;
    if s.state = 'submitting' and (c.send_id = send or c.state = 'open') then
        update coursewright.calls x set state = 'submitted', send_id = send where x.id = c.id;
    end if;
end $$;

-- Store a reply, from whomever and however late it comes; the first one stays. Settles the money with the price that
-- was agreed when the send began, or with the one that the provider has asked instead. Returns whether this reply is the
-- call's answer; null: it was stored before. May be repeated.
create function coursewright.record_reply(send uuid, prompt jsonb, reply jsonb, cost numeric, price jsonb default null)
returns boolean language plpgsql as $$
declare
    c coursewright.calls;
    s coursewright.sends;
    usage jsonb := record_reply.reply -> 'usage';
    answers boolean;
begin
    select x.* into c from coursewright.calls x join coursewright.sends y on y.call_id = x.id where y.id = send
       for update of x;
    select * into s from coursewright.sends x where x.id = send for update;
    if not found then
        raise exception 'no such send: %', send using errcode = 'foreign_key_violation';
    elsif s.state = 'settled' then
        return null;
    end if;
    update coursewright.sends x
       set state = 'settled', cost = record_reply.cost, price = coalesce(record_reply.price, x.price),
           ended_at = clock_timestamp(), error = null, detail = null,
           provider_id = coalesce(record_reply.reply ->> 'provider_id', x.provider_id),
           model_answered = record_reply.reply ->> 'model', finish = record_reply.reply ->> 'finish',
           input_tokens = (usage ->> 'input')::integer, cached_tokens = (usage ->> 'cached')::integer,
           cache_written_tokens = (usage ->> 'cache_written')::integer, output_tokens = (usage ->> 'output')::integer,
           reasoning_tokens = (usage ->> 'reasoning')::integer
     where x.id = send;
    answers := c.state in ('open', 'waiting', 'submitting', 'submitted') or not exists (
        select from coursewright.call_texts t where t.call_id = c.id and t.reply is not null);
    if answers then
        insert into coursewright.call_texts as t (call_id, organisation_id, prompt, reply, bytes)
        values (c.id, c.organisation_id, coalesce(record_reply.prompt, '{}'), record_reply.reply,
                coalesce(octet_length(record_reply.prompt::text), 0) + octet_length(record_reply.reply::text))
        on conflict (call_id) do update
           set prompt = coalesce(record_reply.prompt, t.prompt), reply = excluded.reply, bytes = excluded.bytes;
        update coursewright.calls x
           set state = 'answered', send_id = send, failures = 0, reason = null, ticket_due = null,
               answered_at = clock_timestamp(), used_at = clock_timestamp()
         where x.id = c.id;
    end if;
    -- The budgets last: other calls wait for these rows.
    perform coursewright.charge(s,
        case when s.state in ('waiting', 'submitting', 'submitted') then - s.reserved else 0 end, record_reply.cost,
        case when s.state = 'suspected' then - s.reserved else 0 end);
    return answers or c.send_id = send;
end $$;
alter function coursewright.record_reply set plan_cache_mode = force_generic_plan;


-- A send came to nothing: `billed` says that it may have been charged all the same. The call may be asked again after
-- `retry_in` seconds.
create function coursewright.record_failure(send uuid, code text, why text, billed boolean, retry_in double precision)
returns void language plpgsql as $$
declare
    c coursewright.calls;
    s coursewright.sends;
begin
    select x.* into c from coursewright.calls x join coursewright.sends y on y.call_id = x.id where y.id = send
       for update of x;
    select * into s from coursewright.sends x where x.id = send for update;
    if s.state not in ('waiting', 'submitting', 'submitted') then
        return;
    end if;
    update coursewright.sends x
       set state = case when billed then 'suspected' else 'released' end, error = code, detail = why,
           ended_at = clock_timestamp()
     where x.id = send;
    perform coursewright.charge(s, - s.reserved, 0, case when billed then s.reserved else 0 end);
    update coursewright.calls x
       set state = 'open', failures = x.failures + case when code in ('rate_limited', 'no_capacity') then 0 else 1 end,
           retry_at = clock_timestamp() + make_interval(secs => retry_in)
     where x.id = c.id and x.send_id = send and x.state in ('waiting', 'submitting', 'submitted');
end $$;

-- The verdict on an answer. The first one stays, unless a later judge accepts what an earlier one did not.
-- `cache`: as in use_reply.
create function coursewright.record_verdict(call uuid, accepted boolean, why text, cache double precision default null)
returns void language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);  -- judging is repeatable
    update coursewright.calls x
       set state = case when accepted then 'accepted' else 'rejected' end, reason = why,
           cached_until = greatest(x.cached_until, clock_timestamp() + make_interval(secs => cache))
     where x.id = call and (x.state = 'answered' or (x.state = 'rejected' and accepted));
end $$;

-- What follows from a send for all later ones: limit, breaker, lengths and latencies. Told as tell_limit, and {kind,
-- outcome, counts (for the breaker), error, input_ratio}.
create function coursewright.learn(told jsonb) returns void language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    perform coursewright.tell_limit(told);
    if (told ->> 'counts')::boolean then
        perform coursewright.tell_breaker(told ->> 'endpoint', told ->> 'model', told ->> 'fingerprint',
                                          told ->> 'outcome' = 'ok', told ->> 'error');
    end if;
    if told ->> 'outcome' = 'ok' then
        insert into coursewright.learned as x (endpoint, model, kind, outputs, input_ratios, seconds)
        values (told ->> 'endpoint', told ->> 'model', told ->> 'kind', array[(told ->> 'output')::integer],
                array[(told ->> 'input_ratio')::real], array[(told ->> 'seconds')::real])
        on conflict (endpoint, model, kind) do update
           set outputs = (excluded.outputs || x.outputs)[1:64],
               input_ratios = (excluded.input_ratios || x.input_ratios)[1:64],
               seconds = (excluded.seconds || x.seconds)[1:64];
    end if;
end $$;
alter function coursewright.learn set plan_cache_mode = force_generic_plan;


-- Duties --------------------------------------------------------------------------------------------------------------

-- Give up sends past their deadline that have no id, or whose reply can no longer be fetched. Returns their calls.
create function coursewright.reap_sends() returns setof uuid language plpgsql as $$
declare
    late uuid;
    s coursewright.sends;
begin
    for late in select y.id from coursewright.sends y join coursewright.calls x on x.id = y.call_id
                 where y.state in ('waiting', 'submitting', 'submitted') and y.deadline_at < clock_timestamp()
                 order by x.organisation_id, x.id, y.id limit 100 for update of x skip locked loop
        select * into s from coursewright.sends y where y.id = late for update;
        if s.state in ('waiting', 'submitting', 'submitted') and s.deadline_at < clock_timestamp() then
            perform coursewright.give_up(s, 'caller_lost', 'No reply was stored before the deadline.');
            return next s.call_id;
        end if;
    end loop;
end $$;

-- A round of duties begins. Rounds are told apart at fifteen seconds; the longest time between two of the last hour
-- stays known, so that a host that looks in once an hour is not taken for one that is there.
create function coursewright.note_round() returns void language plpgsql as $$
begin
    perform set_config('synchronous_commit', 'off', true);
    update coursewright.rounds r
       set gap = case when n.gap is null or (r.gap > n.gap and r.gap_at > n.at - interval '1 hour') then r.gap else n.gap end,
           gap_at = case when n.gap is null or (r.gap > n.gap and r.gap_at > n.at - interval '1 hour')
                    then r.gap_at else n.at end,
           at = n.at
      from (select clock_timestamp() as at,
                   case when isfinite(o.at) then extract(epoch from clock_timestamp() - o.at)::double precision end as gap
              from coursewright.rounds o) n
     where r.at < n.at - interval '15 s';
end $$;

-- Take background replies that are due to be asked for; each is taken by one poller for `every` seconds.
create function coursewright.take_polls(most integer, every double precision)
returns table (send uuid, call uuid, organisation uuid, model text, kind text, fingerprint text, provider_id text,
               price jsonb, age double precision) language sql as $$
    with due as (
        select s.id from coursewright.sends s
         where s.state = 'submitted' and s.mode = 'background' and s.poll_at <= clock_timestamp()
           and s.deadline_at > clock_timestamp()
         order by s.poll_at limit most for update skip locked)
    update coursewright.sends s set poll_at = clock_timestamp() + make_interval(secs => every)
      from due where s.id = due.id
    returning s.id, s.call_id, s.organisation_id, s.model, s.kind, s.fingerprint, s.provider_id, s.price,
              coursewright.seconds_until(clock_timestamp(), s.started_at);
$$;

-- Delete the replies that were derived from some documents of a knowledge base (null: from all of it). A call that does
-- not say which documents it quotes may quote any. The money stays on record.
create function coursewright.forget_replies(organisation uuid, knowledge_base uuid, of_documents text[])
returns integer language plpgsql as $$
declare
    forgotten integer;
begin
    delete from coursewright.call_texts t using coursewright.calls c
     where c.id = t.call_id and c.organisation_id = organisation and c.knowledge_base_id = knowledge_base
       and c.state not in ('waiting', 'submitting', 'submitted')
       and (of_documents is null or c.documents = '{}' or c.documents && of_documents);
    get diagnostics forgotten = row_count;
    -- What is in flight is somebody's who waits for it; afterwards it goes, too.
    update coursewright.calls c set forget = true
     where c.organisation_id = organisation and c.knowledge_base_id = knowledge_base
       and c.state in ('waiting', 'submitting', 'submitted')
       and (of_documents is null or c.documents = '{}' or c.documents && of_documents);
    return forgotten;
end $$;

-- What is deleted here, by whomever, is to be deleted from a first level, too.
create function coursewright.forget_elsewhere() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into coursewright.forgotten (key, organisation_id)
    select c.key, c.organisation_id from gone g join coursewright.calls c on c.id = g.call_id
     where c.cached_until > clock_timestamp()
    on conflict (key) do nothing;
    return null;
end $$;
revoke execute on function coursewright.forget_elsewhere() from public;
create trigger coursewright_forget_elsewhere after delete on coursewright.call_texts
    referencing old table as gone for each statement execute function coursewright.forget_elsewhere();

-- Whoever deletes a document, or a whole knowledge base, deletes the replies with it.
create function coursewright.forget_document() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform coursewright.forget_replies(c.organisation_id, c.knowledge_base_id, array[old.name])
       from (select distinct x.organisation_id, x.knowledge_base_id from coursewright.calls x
              where x.knowledge_base_id = old.knowledge_base_id) c;
    return null;
end $$;
revoke execute on function coursewright.forget_document() from public;
create trigger coursewright_forget_replies after delete on coursewright.documents
    for each row execute function coursewright.forget_document();
