"""The one way to a model: every call is looked up, paid for once at most, and on record."""

import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from pydantic import SecretStr

from coursewright.db.pool import Pool
from coursewright.errors import KeyRefused, NoUsableReply
from coursewright.llm import failpoints
from coursewright.llm.background import Background
from coursewright.llm.batch import Batches
from coursewright.llm.cache import Cache
from coursewright.llm.call import CallRows, Poll, reply_from_json
from coursewright.llm.first_level import FirstLevel, Kept
from coursewright.llm.flight import Flights, Settled
from coursewright.llm.model import Accepted, Answer, Deferred, Finish, Judge, Origin, Reply, Request, Value, call_key
from coursewright.llm.prices import Prices
from coursewright.llm.provider import Provider, Providers
from coursewright.llm.refusal import PENDING, refusal
from coursewright.llm.spill import Spill
from coursewright.llm.telemetry import Telemetry
from coursewright.llm.terms import Terms, TermsMaker
from coursewright.settings import GatewaySettings

logger = logging.getLogger("coursewright.llm")

_SECONDS_TO_PRUNE = 600.0  # between looks whether it is time to
_BATCH_SECONDS = 300.0  # between looks at a call in a batch, where nobody tells of its end

Fallback = Callable[[UUID, str, str], Awaitable[None]]


class Gateway:
    """Durable calls. Use as an async context manager: leaving waits for what is in flight.

    `spill`: folder for replies that come while the database is away. `on_settled` is told the id of every call that is
    no longer in flight, so that whoever waits for it can be woken; asking again suffices, too. `on_fallback` is told
    the job, the model that fails too often and the one that is asked in its place. `redis`: URL of a first level of the
    cache, used where `redis_hours` are set. `webhooks`: providers that call `ended`.
    """

    def __init__(
        self,
        pool: Pool,
        providers: Providers,
        settings: GatewaySettings | None = None,
        *,
        spill: Path | None = None,
        on_settled: Settled | None = None,
        on_fallback: Fallback | None = None,
        name: str | None = None,
        telemetry: Telemetry | None = None,
        redis: SecretStr | None = None,
        webhooks: Collection[str] = (),
    ) -> None:
        self._settings = settings or GatewaySettings()
        self._providers = providers
        self._rows = CallRows(pool)
        self.prices = Prices(self._settings.prices)
        self.terms = TermsMaker(self._rows, self.prices, self._settings, webhooks)
        self._telemetry = telemetry or Telemetry()
        self._flights = Flights(
            self._rows, self._settings, Spill(spill) if spill else None, on_settled, self._telemetry
        )
        self._background = Background(self._rows, providers, self._flights, self._settings)
        self._first = FirstLevel(redis, self._rows, self._settings) if redis and self._settings.redis_hours else None
        self._batches = Batches(pool, providers, self._flights, self._settings)
        self._cache = Cache(pool, self._settings)
        self._next_prune = 0.0
        self._on_settled = on_settled
        self._on_fallback = on_fallback
        self._name = name or f"{socket.gethostname()}/{os.getpid()}"

    async def __aenter__(self) -> Self:
        await self._flights.replay()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._flights.close(self._settings.grace_seconds)
        if self._first is not None:
            await self._first.aclose()

    async def call(
        self, origin: Origin, request: Request, judge: Judge[Value], *, fallbacks: Sequence[str] = ()
    ) -> Answer[Value]:
        """Return an answer that `judge` accepts: a stored one, or a new one that is stored before it is looked at.

        A rejected reply is followed by the next turn (`Rejected.again`, or the same request), at most as many turns as
        configured for one generation; one that was cut off or refused is never asked as it was. `fallbacks` are models
        to ask, in order, while the breaker of those before is open; without any, the call waits.

        Raises `Deferred` when it has to wait (limit, budget in flight, somebody else's call, background, batch);
        `NoUsableReply` after the last turn; `RequestRefused` when the provider does not take the request; `NeedsAction`
        when somebody has to do something first; `CallError` when every try fails without a reply.
        """
        rejected: list[str] = []
        for turn in range(self._settings.max_turns):
            if turn == 1:
                origin = replace(origin, urgency="normal")  # repairs are few; in a batch each would cost up to a day
            found = await self._turn(origin, turn, request, fallbacks)
            verdict = judge(found.reply)
            # Nobody has to wait for the verdict's way to the disk: who runs the step again judges again, and the same.
            if isinstance(verdict, Accepted):
                self._flights.spawn(self._accepted(origin, found))
                return Answer(verdict.value, found.reply, found.call, tuple(rejected))
            self._flights.spawn(self._rejected(found, verdict.reason))
            rejected.append(verdict.reason)
            cut_again = verdict.again == request and found.reply.finish is Finish.LENGTH
            if verdict.last or cut_again:
                break
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
        done += await self._background.duties()
        if self._first is not None:
            await self._first.forget()
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + _SECONDS_TO_PRUNE
            await self._cache.prune_in_turn()
        return done + await self._batches.duties()

    async def ended(self, provider: str, provider_id: str) -> bool:
        """A provider says that a background reply or a batch has ended, well or not: store what came of it.

        False: nobody here waits for it. A request whose id was lost with its process is found again by this.
        """
        return await self._batches.ended(provider_id) or await self._background.ended(provider, provider_id)

    async def settle(self) -> None:
        """Wait for all that is in flight here, and for what is learned from it."""
        await self._flights.settle()

    async def _rejected(self, found: "_Found", reason: str) -> None:
        if found.state == "answered":
            await self._rows.record_verdict(found.call, reason)
            failpoints.hit("judged")

    async def _accepted(self, origin: Origin, found: "_Found") -> None:
        if found.state != "accepted":
            await self._rows.record_verdict(found.call, None, self._first.seconds if self._first else None)
            failpoints.hit("judged")
        if self._first is not None and found.key:
            await self._first.keep(origin.organisation_id, found.key, Kept(found.call, found.model, found.reply))

    async def _turn(self, origin: Origin, turn: int, request: Request, fallbacks: Sequence[str]) -> "_Found":
        """Return a stored reply to this turn's request, of whichever model, or get one."""
        candidates = [replace(request, model=model) for model in dict.fromkeys((request.model, *fallbacks))]
        keys = [call_key(origin, turn, candidate) for candidate in candidates]
        if self._first is not None and (kept := await self._first.find(origin.organisation_id, keys)):
            self._telemetry.stored(kept.model, "first")
            self._flights.spawn(self._rows.use_reply(kept.call, origin.job_id))
            return _Found(kept.call, kept.reply, "accepted", kept.model)
        closed: list[float] = []
        for candidate, key in zip(candidates, keys, strict=True):
            provider = await self._providers.get(candidate.provider, origin.organisation_id)
            terms = await self.terms.make(provider, origin, candidate)
            begun = await self._rows.begin(self._asked(origin, turn, candidate, key, keys, provider, terms))
            if begun.outcome == "refused" and begun.mode == "batch":
                # An immediate call tells why whoever can do something, and leaves out what the model does not take.
                terms = await self.terms.make(provider, replace(origin, urgency="normal"), candidate)
                begun = await self._rows.begin(self._asked(origin, turn, candidate, key, keys, provider, terms))
            match begun.outcome:
                case "stored":
                    assert begun.reply is not None  # noqa: S101 - comes with the outcome
                    self._telemetry.stored(begun.model, "database")
                    return _Found(begun.call, reply_from_json(begun.reply), begun.state, begun.model, begun.key)
                case "breaker":
                    closed.append(begun.seconds)
                    self._telemetry.breaker_refused(candidate.model)
                    logger.warning("%s fails too often; it is asked again in %.0f s", candidate.model, begun.seconds)
                case "send" if terms.mode == "batch":
                    raise Deferred(_BATCH_SECONDS, begun.call, PENDING["batch"].format(model=candidate.model))
                case "send":
                    if closed and origin.job_id and self._on_fallback is not None:
                        await self._on_fallback(origin.job_id, request.model, candidate.model)
                    tier = replace(candidate, tier="flex") if terms.mode == "flex" else candidate
                    try:
                        reply = await self._flights.fly(begun, provider, origin.kind, tier, terms)
                    except KeyRefused as error:
                        if await self._providers.refused(provider, origin.organisation_id):
                            raise Deferred(0.1, begun.call, "the next key is tried") from error
                        raise
                    return _Found(begun.call, reply, "answered", candidate.model, key)
                case "pending" if begun.poll:
                    assert begun.send is not None  # noqa: S101 - comes with the outcome
                    due = Poll(
                        begun.send, begun.call, origin.organisation_id, begun.model, origin.kind, begun.fingerprint,
                        begun.provider_id, begun.price, begun.age,
                    )  # fmt: skip
                    return _Found(begun.call, await self._background.fetch(due), "answered", begun.model)
                case _:
                    raise refusal(begun, candidate, terms)
        models = " and ".join(candidate.model for candidate in candidates)
        raise Deferred(min(closed), None, f"{models} {'fails' if len(closed) == 1 else 'fail'} too often at the moment")

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
            "cache": self._first.seconds if self._first else None,
            "prompt": request.canonical() if terms.mode == "batch" else None,
        }


@dataclass(frozen=True, slots=True)
class _Found:
    """A reply. `state`: answered, accepted or rejected. `key`: of its call, where a first level may take it."""

    call: UUID
    reply: Reply
    state: str
    model: str
    key: str = ""


__all__ = ["Gateway"]
