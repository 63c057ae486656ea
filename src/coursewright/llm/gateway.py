"""The one way to a model: every call is looked up, paid for once at most, and on record."""

import logging
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from coursewright.db.pool import Pool
from coursewright.errors import BudgetReached, CallError, NoUsableReply, PriceUnknown
from coursewright.llm import failpoints
from coursewright.llm.batch import Batches
from coursewright.llm.cache import Cache
from coursewright.llm.call import Begun, CallRows, reply_from_json
from coursewright.llm.flight import Flights, Sent, Settled
from coursewright.llm.model import Accepted, Answer, Deferred, Judge, Origin, Reply, Request, Value, call_key
from coursewright.llm.prices import Price, Prices
from coursewright.llm.provider import Provider, Providers
from coursewright.llm.spill import Spill
from coursewright.llm.telemetry import Telemetry
from coursewright.llm.terms import Terms, TermsMaker
from coursewright.settings import GatewaySettings

logger = logging.getLogger("coursewright.llm")

_PRUNE_SECONDS = 3600.0
_BATCH_SECONDS = 300.0  # between looks at a call in a batch, where nobody tells of its end


class Gateway:
    """Durable calls. Use as an async context manager: leaving waits for what is in flight.

    `spill`: folder for replies that come while the database is away. `on_settled` is told the id of every call that is
    no longer in flight, so that whoever waits for it can be woken; asking again suffices, too.
    """

    def __init__(
        self,
        pool: Pool,
        providers: Providers,
        settings: GatewaySettings | None = None,
        *,
        spill: Path | None = None,
        on_settled: Settled | None = None,
        name: str | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._settings = settings or GatewaySettings()
        self._providers = providers
        self._rows = CallRows(pool)
        self.prices = Prices(self._settings.prices)
        self._terms = TermsMaker(self._rows, self.prices, self._settings)
        self._telemetry = telemetry or Telemetry()
        self._flights = Flights(
            self._rows, self._settings, Spill(spill) if spill else None, on_settled, self._telemetry
        )
        self._batches = Batches(pool, providers, self._flights, self._settings)
        self._cache = Cache(pool, self._settings)
        self._next_prune = 0.0
        self._on_settled = on_settled
        self._name = name or f"{socket.gethostname()}/{os.getpid()}"

    async def __aenter__(self) -> Self:
        await self._flights.replay()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._flights.close(self._settings.grace_seconds)

    async def call(
        self, origin: Origin, request: Request, judge: Judge[Value], *, fallbacks: Sequence[str] = ()
    ) -> Answer[Value]:
        """Return an answer that `judge` accepts: a stored one, or a new one that is stored before it is looked at.

        A rejected reply is followed by the next turn (`Rejected.again`, or the same request), at most as many turns as
        configured for one generation. `fallbacks` are models to ask, in order, while the breaker of those before is
        open; without any, the call waits.

        Raises `Deferred` when it has to wait (limit, budget in flight, somebody else's call, background, batch);
        `NoUsableReply` after the last turn; `RequestRefused` when the provider does not take the request; `NeedsAction`
        when somebody has to do something first; `CallError` when every try fails without a reply.
        """
        rejected: list[str] = []
        for turn in range(self._settings.max_turns):
            if turn == 1:
                origin = replace(origin, urgency="normal")  # repairs are few; in a batch each would cost up to a day
            call_id, reply, state = await self._turn(origin, turn, request, fallbacks)
            verdict = judge(reply)
            accepted = isinstance(verdict, Accepted)
            if state == "answered" or (accepted and state == "rejected"):
                await self._rows.record_verdict(call_id, None if isinstance(verdict, Accepted) else verdict.reason)
                failpoints.hit("judged")
            if isinstance(verdict, Accepted):
                return Answer(verdict.value, reply, call_id, tuple(rejected))
            rejected.append(verdict.reason)
            request = verdict.again or request
        raise NoUsableReply(
            f"{request.model} gave no usable reply in {len(rejected)} turns: {rejected[-1]}",
            reasons=tuple(rejected),
            hint="Retry the task, or choose a stronger model.",
        )

    async def duties(self) -> int:
        """Do what any worker and any tick does for all calls, whoever made them: store replies that were kept in files,
        give up what nobody will bring, fetch what is made in the background or in a batch, hand in the next batch;
        once an hour, delete replies that were kept long enough. Returns how many calls got on.
        """
        done = await self._flights.replay()
        for call in await self._rows.reap():
            done += 1
            if self._on_settled is not None:
                await self._on_settled(call)
        for due in await self._rows.take_polls(20, self._settings.poll_seconds):
            sent = Sent(due.call, due.send, due.model, due.kind, _price(due.price))
            try:
                provider = await self._providers.get(due.model.partition(":")[0], due.organisation)
                await self._flights.fetch(sent, provider, due.provider_id, due.age)
            except Deferred:
                continue
            except Exception as error:  # on record with the call; other calls are not to suffer
                logger.warning("Call %s: %s", due.call, error)
            done += 1
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + _PRUNE_SECONDS
            await self._cache.prune()
        return done + await self._batches.duties()

    async def _turn(
        self, origin: Origin, turn: int, request: Request, fallbacks: Sequence[str]
    ) -> tuple[UUID, Reply, str]:
        """Return a stored reply to this turn's request, of whichever model, or get one."""
        candidates = [replace(request, model=model) for model in dict.fromkeys((request.model, *fallbacks))]
        keys = [call_key(origin, turn, candidate) for candidate in candidates]
        closed: list[float] = []
        for candidate, key in zip(candidates, keys, strict=True):
            provider = await self._providers.get(candidate.provider, origin.organisation_id)
            terms = await self._terms.make(provider, origin, candidate)
            begun = await self._rows.begin(self._asked(origin, turn, candidate, key, keys, provider, terms))
            match begun.outcome:
                case "stored":
                    assert begun.reply is not None  # noqa: S101 - comes with the outcome
                    self._telemetry.stored(begun.model)
                    return begun.call, reply_from_json(begun.reply), begun.state
                case "breaker":
                    closed.append(begun.seconds)
                    self._telemetry.breaker_refused(candidate.model)
                    logger.warning("%s fails too often; it is asked again in %.0f s", candidate.model, begun.seconds)
                case "send" if terms.mode == "batch":
                    raise Deferred(_BATCH_SECONDS, begun.call, "waits for its batch")
                case "send":
                    reply = await self._flights.fly(begun, provider, origin.kind, candidate, terms)
                    return begun.call, reply, "answered"
                case "pending" if begun.poll:
                    return begun.call, await self._poll(origin, begun), "answered"
                case _:
                    raise _refusal(begun, candidate, terms)
        raise Deferred(min(closed), None, "every model fails too often at the moment")

    async def _poll(self, origin: Origin, begun: Begun) -> Reply:
        assert begun.send is not None  # noqa: S101 - comes with the outcome
        provider = await self._providers.get(begun.model.partition(":")[0], origin.organisation_id)
        sent = Sent(begun.call, begun.send, begun.model, origin.kind, _price(begun.price))
        return await self._flights.fetch(sent, provider, begun.provider_id, begun.age)

    def _asked(
        self,
        origin: Origin,
        turn: int,
        request: Request,
        key: str,
        keys: Sequence[str],
        provider: Provider,
        terms: Terms,
    ) -> dict[str, Any]:
        abilities = provider.abilities(request.model_name)
        return {
            "keys": keys,
            "key": key,
            "organisation": origin.organisation_id,
            "job": origin.job_id,
            "knowledge_base": origin.knowledge_base_id,
            "documents": origin.documents,
            "kind": origin.kind,
            "task_key": origin.task_key,
            "generation": origin.generation,
            "turn": turn,
            "model": request.model,
            "endpoint": provider.endpoint,
            "fingerprint": provider.fingerprint,
            "mode": terms.mode,
            "owner": self._name,
            "reserve": terms.reserve,
            "price": None if terms.price is None else terms.price.to_json(),
            "tokens": terms.tokens,
            "deadline": terms.timeout + self._settings.grace_seconds,
            "line": self._settings.line_seconds,
            "rates": {
                "requests": terms.limits.requests,
                "tokens": terms.limits.tokens,
                "by_latency": abilities.signals_load_by_latency,
            },
            "calls_at_once": self._settings.calls_at_once,
            "most_failures": self._settings.max_sends,
            "month_cap": self._settings.month_budget,
            "poll_every": self._settings.poll_seconds,
            "prompt": request.canonical() if terms.mode == "batch" else None,
        }


def _price(stored: dict[str, Any] | None) -> Price | None:
    return None if stored is None else Price.from_json(stored)


def _refusal(begun: Begun, request: Request, terms: Terms) -> Exception:
    """Return what to raise when a call may not be sent now."""
    match begun.outcome:
        case "budget":
            whose = {"job": "this job", "month": "this month", "organisation": "the organisation"}[begun.scope]
            return BudgetReached(
                f"The next call could cost {begun.needed:.4f} dollars; {begun.spent:.4f} of the {begun.cap:.2f} for "
                f"{whose} are spent.",
                hint="Raise the budget and resume: what was written is kept, and nothing is paid twice.",
            )
        case "price":
            return PriceUnknown(
                f"Nobody knows what {request.model} costs, and there is a budget of {begun.cap:.2f} dollars to keep.",
                hint="Say what it costs (--price INPUT/OUTPUT, dollars a million tokens; 0 if free), or set no budget.",
            )
        case "worn":
            return CallError(
                f"{request.model} gave no reply, however often it was asked. The last time: {begun.detail}",
                hint="Is the provider in trouble? Retry the task later, or choose another model.",
            )
        case "unfit":
            assert terms.unfit is not None  # noqa: S101 - that is what makes the mode unfit
            return terms.unfit
        case "pending":
            return Deferred(begun.seconds, begun.call, "already asked")
        case _:
            return Deferred(begun.seconds, begun.other, begun.why)


__all__ = ["Gateway"]
