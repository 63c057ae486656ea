-- Limits: token buckets for requests and tokens, with a line. Whoever finds a bucket empty gets a ticket: the tokens are
-- debited at once, the level goes below zero, and the ticket says when it is back at zero. So a refused call comes back
-- once, in turn, and nobody polls. A ticket counts the seconds of the full rate: when the rate is lowered, the whole line
-- moves more slowly. Tickets are bounded by the seconds of rate that one organisation may book ahead.
-- Losing the last moments of these rows in a crash does no harm: they are written without waiting for the disk.

-- Seconds between two times, also infinite ones (which Postgres 15 and 16 cannot subtract).
create function coursewright.seconds_until(later timestamptz, at timestamptz) returns double precision
language sql immutable as $$
    select case when isfinite(later) then greatest(0, extract(epoch from later - at)::double precision) else 0 end;
$$;

-- The row with its levels as of a time. A bucket holds ten seconds of its rate, and one request at least.
create function coursewright.refilled(l coursewright.limits, at timestamptz) returns coursewright.limits
language plpgsql immutable as $$
declare
    seconds double precision := coursewright.seconds_until(at, l.refilled_at);
begin
    if seconds > 0 then
        l.requests_level := least(greatest(1, l.requests_rate * l.factor / 6),
                                  l.requests_level + seconds * l.requests_rate * l.factor / 60);
        l.tokens_level := least(l.tokens_rate * l.factor / 6,
                                l.tokens_level + seconds * l.tokens_rate * l.factor / 60);
        l.requests_level := coalesce(l.requests_level, 0);
        l.tokens_level := coalesce(l.tokens_level, 0);
        l.turned := l.turned + seconds * l.factor;
        l.refilled_at := at;
    end if;
    return l;
end $$;

-- The locked row of a limit; made when it is the first call.
create function coursewright.lock_limit(for_endpoint text, for_model text, for_fingerprint text,
                                        requests double precision, tokens double precision, configure boolean)
returns coursewright.limits language plpgsql as $$
declare
    l coursewright.limits;
begin
    loop
        select * into l from coursewright.limits x
         where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint) for update;
        exit when found;
        insert into coursewright.limits (endpoint, model, fingerprint, configured_requests, configured_tokens,
                                         requests_rate, tokens_rate, requests_level, tokens_level)
        values (for_endpoint, for_model, for_fingerprint, requests, tokens, requests, tokens,
                coalesce(greatest(1, requests / 6), 0), coalesce(tokens / 6, 0))
        on conflict do nothing;
    end loop;
    if configure and (l.configured_requests, l.configured_tokens) is distinct from (requests, tokens) then
        l.requests_rate := requests;
        l.tokens_rate := tokens;
        update coursewright.limits x
           set configured_requests = requests, configured_tokens = tokens, requests_rate = requests,
               tokens_rate = tokens, learned = false, factor = 1, ceiling = 1
         where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint);
    end if;
    return l;
end $$;

-- Ask to pass with so many tokens. 0: debited, go. Above: seconds until it is this call's turn. Below: too many calls
-- are in flight, the end of any is the next chance. `line`: seconds of the whole rate that may be booked ahead.
create function coursewright.pass_limit(call coursewright.calls, tokens double precision, line double precision,
                                        configured jsonb)
returns double precision language plpgsql as $$
declare
    l coursewright.limits := coursewright.lock_limit(call.endpoint, call.model, call.fingerprint,
        (configured ->> 'requests')::double precision, (configured ->> 'tokens')::double precision, true);
    at timestamptz := clock_timestamp();
    by_latency boolean := coalesce((configured ->> 'by_latency')::boolean, false);
    ready double precision;
    blocked double precision := coursewright.seconds_until(l.blocked_until, at);
    booked record;
    others integer;
begin
    if by_latency and coalesce(l.at_once, 4) <= (
        select count(*) from coursewright.sends s
         where s.state in ('submitting', 'submitted') and s.deadline_at > at
           and (s.endpoint, s.model, s.fingerprint) = (call.endpoint, call.model, call.fingerprint)) then
        return -1;
    end if;
    l := coursewright.refilled(l, at);
    if call.ticket_due is not null then
        ready := blocked + greatest(0, call.ticket_due - l.turned) / l.factor;
        return case when ready < 0.005 then 0 else ready end;
    end if;
    -- A call of more tokens than the bucket holds passes when it is full.
    ready := blocked + greatest(0,
        (1 - l.requests_level) / (l.requests_rate * l.factor / 60),
        (least(tokens, l.tokens_rate * l.factor / 6) - l.tokens_level) / (l.tokens_rate * l.factor / 60));
    l.requests_level := l.requests_level - case when l.requests_rate is null then 0 else 1 end;
    l.tokens_level := l.tokens_level - case when l.tokens_rate is null then 0 else tokens end;
    if l.requests_rate is null and l.tokens_rate is null then  -- no rate to line up by
        return case when ready > 0 then ready + random() * 2 else 0 end;
    end if;
    if ready > 0 then
        select coalesce(sum(c.ticket_tokens), 0) as tokens, count(*) as requests into booked
          from coursewright.calls c
         where c.ticket_due is not null and (c.endpoint, c.model, c.fingerprint, c.organisation_id)
             = (call.endpoint, call.model, call.fingerprint, call.organisation_id);
        select count(distinct o.organisation_id) into others from (
            select c.organisation_id from coursewright.calls c
             where c.ticket_due is not null
               and (c.endpoint, c.model, c.fingerprint) = (call.endpoint, call.model, call.fingerprint)
            union all
            select s.organisation_id from coursewright.sends s
             where s.state in ('submitting', 'submitted')
               and (s.endpoint, s.model, s.fingerprint) = (call.endpoint, call.model, call.fingerprint)) o
         where o.organisation_id <> call.organisation_id;
        if greatest(booked.requests / (l.requests_rate * l.factor / 60),
                    booked.tokens / (l.tokens_rate * l.factor / 60)) > line / (1 + others) then
            return least(ready, line) * (0.5 + random() / 2) + 0.05;
        end if;
        update coursewright.calls c
           set ticket_due = l.turned + (ready - blocked) * l.factor, ticket_tokens = tokens
         where c.id = call.id;
    end if;
    update coursewright.limits x
       set requests_level = l.requests_level, tokens_level = l.tokens_level, refilled_at = l.refilled_at,
           turned = l.turned
     where (x.endpoint, x.model, x.fingerprint) = (call.endpoint, call.model, call.fingerprint);
    return ready;
end $$;

-- Tell a limit how a send went: {endpoint, model, fingerprint, outcome: ok | rate_limited | error, refund, retry_after,
-- seconds, output, by_latency, requests: {limit, remaining}, tokens: {limit, remaining}}. The rate is lowered by
-- multiplying, at most once in two seconds, more when it was lowered a moment ago, and raised by adding: fast where it was
-- never refused, and not beyond that for two minutes. When it is lowered nobody passes for three seconds more than the
-- provider asked for: its own bucket is empty, and the next call, or a few at once, would be refused below its limit, too.
-- What headers say is as old as the call was long.
create function coursewright.tell_limit(told jsonb) returns void language plpgsql as $$
declare
    at timestamptz;
    l coursewright.limits;
    seconds double precision := coalesce((told ->> 'seconds')::double precision, 0);
    pace double precision;
    until timestamptz;
    reported double precision;
    since double precision;  -- seconds since the rate was lowered; null: never
    pause double precision := 0;
begin
    perform set_config('synchronous_commit', 'off', true);
    select * into l from coursewright.limits x
     where (x.endpoint, x.model, x.fingerprint) = (told ->> 'endpoint', told ->> 'model', told ->> 'fingerprint')
       for update;
    if not found then
        return;
    end if;
    at := clock_timestamp();
    l := coursewright.refilled(l, at);
    since := case when isfinite(l.decreased_at) then coursewright.seconds_until(at, l.decreased_at) end;
    l.tokens_level := least(greatest(l.tokens_level, l.tokens_rate * l.factor / 6),
                            l.tokens_level + coalesce((told ->> 'refund')::double precision, 0));
    reported := least((told #>> '{requests,limit}')::double precision, l.configured_requests);
    if (told #>> '{requests,limit}') is not null and reported is distinct from l.requests_rate then
        l.requests_level := case when l.requests_rate is null then greatest(1, reported / 6) else l.requests_level end;
        l.requests_rate := reported;
        l.learned := false;
        l.factor := 1;
        l.ceiling := 1;
    end if;
    reported := least((told #>> '{tokens,limit}')::double precision, l.configured_tokens);
    if (told #>> '{tokens,limit}') is not null and reported is distinct from l.tokens_rate then
        l.tokens_level := case when l.tokens_rate is null then reported / 6 else l.tokens_level end;
        l.tokens_rate := reported;
        l.factor := 1;
        l.ceiling := 1;
    end if;
    l.requests_level := least(l.requests_level,
        (told #>> '{requests,remaining}')::double precision + seconds * l.requests_rate / 60);
    l.tokens_level := least(l.tokens_level,
        (told #>> '{tokens,remaining}')::double precision + seconds * l.tokens_rate / 60);
    case told ->> 'outcome'
    when 'ok' then
        -- A configured or reported rate is a ceiling; a learned one is only a guess, and may grow.
        l.factor := greatest(l.factor, least(
            case when l.learned then 50 when since < 120 then 0.97 * l.ceiling else 1 end,
            l.factor + least(10, coursewright.seconds_until(at, greatest(l.increased_at, l.decreased_at)))
                     * case when l.learned then l.factor * 0.01 when l.factor > 0.95 * l.ceiling then 0.001
                            when since < 60 then 0.002 else 0.005 end));
        l.increased_at := at;
        if (told ->> 'by_latency')::boolean and (told ->> 'output')::double precision >= 8 then
            pace := seconds * 1000 / (told ->> 'output')::double precision;
            l.best_latency := least(l.best_latency * 1.01, pace);
            l.at_once := coalesce(l.at_once, 4);
            if pace <= 3 * l.best_latency then
                l.at_once := l.at_once + 1 / l.at_once;
            elsif l.decreased_at < at - interval '5 s' then
                l.at_once := greatest(1, l.at_once * 0.85);
                l.decreased_at := at;
            end if;
        end if;
    when 'rate_limited' then
        l.refused := l.refused + 1;
        if l.requests_rate is null and l.tokens_rate is null then
            select greatest(20, count(*)) into l.requests_rate from coursewright.sends s
             where s.started_at > at - interval '60 s'
               and (s.endpoint, s.model, s.fingerprint) = (l.endpoint, l.model, l.fingerprint);
            l.learned := true;
            l.requests_level := 0;
        end if;
        if since is null or since > 2 then
            -- Refused again a moment after: the limit lies far below, between the old factor and the new one.
            l.ceiling := l.factor * case when since < 15 then 0.85 when since < 60 then 0.97 else 1 end;
            l.factor := greatest(0.02, l.factor * case when since < 15 then 0.7 else 0.85 end);
            l.decreased_at := at;
            pause := 3;
        end if;
    else
        null;
    end case;
    until := at + make_interval(secs => coalesce((told ->> 'retry_after')::double precision,
                                                 case told ->> 'outcome' when 'rate_limited' then 1 end) + pause);
    if until > l.blocked_until then
        l.blocked_until := until;
        l.refilled_at := until;
        l.requests_level := least(l.requests_level, 0);
        l.tokens_level := least(l.tokens_level, 0);
    end if;
    update coursewright.limits x
       set requests_rate = l.requests_rate, tokens_rate = l.tokens_rate, learned = l.learned, factor = l.factor,
           requests_level = l.requests_level, tokens_level = l.tokens_level, refilled_at = l.refilled_at,
           decreased_at = l.decreased_at, increased_at = l.increased_at, blocked_until = l.blocked_until,
           turned = l.turned, ceiling = l.ceiling, at_once = l.at_once, best_latency = l.best_latency, refused = l.refused
     where (x.endpoint, x.model, x.fingerprint) = (l.endpoint, l.model, l.fingerprint);
end $$;

-- Take back the tickets of those who did not come for half a minute. Returns how many.
create function coursewright.expire_tickets() returns integer language plpgsql as $$
declare
    late coursewright.calls;
    expired integer := 0;
begin
    perform set_config('synchronous_commit', 'off', true);
    for late in select c.* from coursewright.calls c join coursewright.limits l using (endpoint, model, fingerprint)
                 where (coursewright.refilled(l, clock_timestamp())).turned - c.ticket_due > 30 * l.factor
                 order by l.endpoint, l.model, l.fingerprint, c.id limit 100 for update of c skip locked loop
        update coursewright.calls c set ticket_due = null where c.id = late.id;
        update coursewright.limits l
           set tokens_level = l.tokens_level + case when l.tokens_rate is null then 0 else late.ticket_tokens end,
               requests_level = l.requests_level + case when l.requests_rate is null then 0 else 1 end
         where (l.endpoint, l.model, l.fingerprint) = (late.endpoint, late.model, late.fingerprint);
        expired := expired + 1;
    end loop;
    return expired;
end $$;

-- The breaker ---------------------------------------------------------------------------------------------------------

-- Seconds until a model may be asked again; 0: now. With `take`, a probe of a half-open breaker is taken for at most so
-- many seconds; without, the row is only read, so that no lock is held here before that of a limit.
create function coursewright.pass_breaker(for_endpoint text, for_model text, for_fingerprint text, take boolean,
                                          probe_seconds double precision)
returns double precision language plpgsql as $$
declare
    b coursewright.breakers;
    at timestamptz := clock_timestamp();
begin
    select * into b from coursewright.breakers x
     where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint);
    if not found or b.state = 'closed' then
        return 0;
    end if;
    if take then
        select * into b from coursewright.breakers x
         where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint) for update;
    end if;
    if b.state = 'open' and b.reopen_at <= at then
        b.state := 'half_open';
        b.probes := 0;
        b.successes := 0;
    elsif b.state = 'half_open' and b.probe_until <= at then
        b.probes := 0;  -- whoever probed has not come back
    end if;
    if b.state = 'open' then
        return coursewright.seconds_until(b.reopen_at, at) + random() * 0.5;
    elsif b.state = 'half_open' and b.probes >= 2 then
        return 1 + random();
    elsif b.state = 'half_open' and take then
        update coursewright.breakers x
           set state = b.state, probes = b.probes + 1, successes = b.successes,
               probe_until = at + make_interval(secs => probe_seconds)
         where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint);
    end if;
    return 0;
end $$;

-- Count how a send went. Opens at half of at least four calls failed; stays open ten seconds, twice as long each time,
-- five minutes at most; two good probes close it.
create function coursewright.tell_breaker(for_endpoint text, for_model text, for_fingerprint text, ok boolean, error text)
returns void language plpgsql as $$
declare
    b coursewright.breakers;
    at timestamptz := clock_timestamp();
    fade double precision;
begin
    perform set_config('synchronous_commit', 'off', true);
    if ok and not exists (
        select from coursewright.breakers x
         where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint)) then
        return;
    end if;
    insert into coursewright.breakers (endpoint, model, fingerprint) values (for_endpoint, for_model, for_fingerprint)
    on conflict do nothing;
    select * into b from coursewright.breakers x
     where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint) for update;
    fade := power(0.5, coursewright.seconds_until(at, b.counted_at) / 30);
    b.calls := b.calls * fade + 1;
    b.failures := b.failures * fade + case when ok then 0 else 1 end;
    if b.state = 'half_open' then
        b.probes := greatest(0, b.probes - 1);
        b.successes := b.successes + case when ok then 1 else 0 end;
        if b.successes >= 2 then
            b.state := 'closed';
            b.openings := 0;
            b.calls := 0;
            b.failures := 0;
        end if;
    end if;
    if not ok and (b.state = 'half_open' or (b.state = 'closed' and b.calls >= 3.5 and b.failures >= b.calls / 2)) then
        b.state := 'open';
        b.openings := b.openings + 1;
        b.reopen_at := at + make_interval(secs => least(300, 10 * power(2, b.openings - 1)));
    end if;
    update coursewright.breakers x
       set state = b.state, calls = b.calls, failures = b.failures, counted_at = at, reopen_at = b.reopen_at,
           openings = b.openings, probes = b.probes, successes = b.successes,
           last_error = case when ok then x.last_error else error end
     where (x.endpoint, x.model, x.fingerprint) = (for_endpoint, for_model, for_fingerprint);
end $$;
