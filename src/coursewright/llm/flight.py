"""One send from the request's leaving to its end on record: reply, id or failure. Never cut short by its caller.

A step may be cancelled (lease lost, job paused) while its call is in flight; the flight goes on in a task of its own,
because the answer is paid for and whoever runs the step next will find it.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from coursewright.errors import (
    CallError,
    CallTimedOut,
    CoursewrightError,
    DatabaseUnavailable,
    NeedsAction,
    NoCapacity,
    Overloaded,
    RateLimited,
    ReplyLost,
    RequestRefused,
)
from coursewright.llm import failpoints
from coursewright.llm.call import Begun, CallRows, reply_to_json
from coursewright.llm.headers import reported_limits
from coursewright.llm.model import Deferred, Reply, ReportedLimits, Request
from coursewright.llm.prices import Price
from coursewright.llm.provider import Provider
from coursewright.llm.spill import Spill
from coursewright.llm.telemetry import Telemetry
from coursewright.llm.terms import Terms
from coursewright.settings import GatewaySettings

logger = logging.getLogger("coursewright.llm")

Settled = Callable[[UUID], Awaitable[None]]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a send wherever its reply is met: in the process that sent it, or in another that fetches it."""

    call: UUID
    send: UUID
    model: str
    kind: str
    price: Price | None
    tokens: float = 0.0
    input_estimate: int = 0
    prompt: dict[str, Any] | None = None

    def charged(self, reply: Reply, flex: Decimal) -> Price | None:
        """Return the price that a reply costs by; `flex`: the multiplier of the cheaper tier."""
        return self.price.times(flex) if self.price is not None and reply.tier == "flex" else self.price

    def cost(self, reply: Reply, flex: Decimal) -> Decimal | None:
        """Return the dollars that a reply costs; None without a price."""
        price = self.charged(reply, flex)
        return None if price is None else price.cost(reply.usage)


class Flights:
    """Sends requests and stores what comes of them. `on_settled` is told of every call that is no longer in flight."""

    def __init__(
        self,
        rows: CallRows,
        settings: GatewaySettings,
        spill: Spill | None,
        on_settled: Settled | None,
        telemetry: Telemetry,
    ) -> None:
        self._rows = rows
        self._telemetry = telemetry
        self._settings = settings
        self._spill = spill
        self._on_settled = on_settled
        self._flex = Decimal(str(settings.flex_multiplier))
        self._running: set[asyncio.Task[Any]] = set()

    async def fly(self, begun: Begun, provider: Provider, kind: str, request: Request, terms: Terms) -> Reply:
        """Send and return the reply, which is on disk by then.

        Raises Deferred when the send failed and may be tried again, or when the reply is made in the background; the
        error itself when trying again would not help.
        """
        assert begun.send is not None  # noqa: S101 - the outcome `send` has one
        sent = Sent(
            begun.call,
            begun.send,
            request.model,
            kind,
            terms.price,
            begun.tokens,
            terms.input_estimate,
            request.canonical(),
        )
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        work = self._submit if terms.mode == "background" else self._send
        self.spawn(self._carry(work(sent, provider, request, terms, reply), reply))
        return await asyncio.shield(reply)

    def spawn(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Do something beside the call that began it; `close` waits for it."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._landed)
        return task

    async def finish(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Return what comes of something that is done to its end, also when who asked is cancelled meanwhile."""
        return await asyncio.shield(self.spawn(work))

    async def settle(self) -> None:
        """Wait for everything that is in flight now, and what follows from it."""
        if self._running:
            await asyncio.wait(list(self._running))

    async def fetch(self, sent: Sent, provider: Provider, provider_id: str, age: float, *, same_key: bool) -> Reply:
        """Ask for a reply that is made in the background. Raises Deferred while it is not there.

        `same_key`: as asked for it; another one need not see a reply that is there.
        """
        try:
            reply = await provider.fetch(provider_id)
        except NeedsAction:
            raise
        except Exception as error:  # asking failed, not the reply, or both; its deadline will tell
            if isinstance(error, RequestRefused) or (isinstance(error, ReplyLost) and same_key):
                raise await self._failed(sent, provider, error, age) from error
            raise Deferred(self._settings.poll_seconds, sent.call, str(error)) from error
        if reply is None:
            raise Deferred(self._settings.poll_seconds, sent.call, f"{sent.model} makes an answer in the background")
        failpoints.hit("fetched")
        await self.store(sent, reply, "background", age)
        await self._learn_from(sent, provider, reply, age)
        return reply

    async def store_late(self, record: dict[str, Any]) -> bool:
        """Store a reply, or an id, that was spilled; False while the database does not take it."""
        name = record.get("send") or record["batch"]
        try:
            if "batch" in record:
                await self.identify_batch(UUID(name), record["provider_id"])
                return True
            send = UUID(name)
            if "provider_id" in record:
                await self.identify(send, record["provider_id"])
            else:
                cost = None if record["cost"] is None else Decimal(record["cost"])
                await self._rows.record_reply(send, record["prompt"], record["reply"], cost, record.get("price"))
        except DatabaseUnavailable:
            return False
        except psycopg.errors.ForeignKeyViolation:
            logger.warning("A kept reply belongs to a call that another database holds: %s", name)
            return False
        except psycopg.Error as error:  # neither those that wait behind it nor the program's start are to suffer
            logger.warning("A kept reply cannot be stored yet: %s: %s", name, error)
            return False
        await self._tell(UUID(record["call"]))
        return True

    async def replay(self) -> int:
        """Store the replies that were spilled. Returns how many."""
        return await self._spill.replay(self.store_late) if self._spill else 0

    @asynccontextmanager
    async def spilled(self, name: UUID, record: dict[str, Any]) -> AsyncIterator[None]:
        """Keep in a file what the database is to know but was not told, whatever went wrong: it is away, others were in
        the way, or this process ends. Whether the statement had its effect does not matter, it may be repeated.

        `name`: of the send or batch, which the file is called after; `record`: what `store_late` takes.
        """
        try:
            yield
        except BaseException as error:
            if self._spill is None:
                raise
            path = await asyncio.to_thread(self._spill.keep, str(name), record)
            logger.warning("The database was not told (%s); what it is to know waits in %s", error, path)
            if isinstance(error, psycopg.Error):
                raise DatabaseUnavailable(f"A reply waits in a file, to be stored when it can be: {error}") from error
            raise

    async def close(self, grace: float) -> None:
        """Wait for what is in flight, at most `grace` seconds; what remains is booked as perhaps billed."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for flight in list(self._running):
            flight.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _landed(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("What follows from a call failed: %r", error)

    async def _carry(self, flight: Coroutine[Any, Any, None], reply: "asyncio.Future[Reply]") -> None:
        """Let a flight end; whoever waits for its reply, if anybody still does, hears how."""
        try:
            await flight
        except asyncio.CancelledError:
            reply.cancel()
            raise
        except Exception as error:
            if reply.done():
                raise
            reply.set_exception(error)
            reply.exception()  # nobody may be left to see it

    async def _send(
        self, sent: Sent, provider: Provider, request: Request, terms: Terms, told: "asyncio.Future[Reply]"
    ) -> None:
        failpoints.hit("begun")
        began = time.monotonic()
        try:
            with self._telemetry.asking(request, sent.call, terms.mode) as asking:
                async with asyncio.timeout(terms.timeout + 1):
                    reply = await provider.send(request, sent.call, terms.timeout)
                asking.replied(reply, sent.cost(reply, self._flex))
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(sent))
            raise
        except Exception as error:
            raise await self._failed(sent, provider, error, time.monotonic() - began) from error
        failpoints.hit("replied")
        seconds = time.monotonic() - began
        await self._record(sent, reply)
        if not told.done():
            told.set_result(reply)  # on disk: the rest is nothing that its reader has to wait for
        await self._tell(sent.call)
        await self._learn_from(sent, provider, reply, seconds)

    async def _submit(
        self, sent: Sent, provider: Provider, request: Request, terms: Terms, told: "asyncio.Future[Reply]"
    ) -> None:
        failpoints.hit("begun")
        began = time.monotonic()
        try:
            with self._telemetry.asking(request, sent.call, "background"):
                async with asyncio.timeout(terms.timeout + 1):
                    provider_id = await provider.submit(request, sent.call)
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(sent))
            raise
        except Exception as error:
            raise await self._failed(sent, provider, error, time.monotonic() - began) from error
        failpoints.hit("submitted")
        async with self.spilled(sent.send, {**_names(sent), "provider_id": provider_id}):
            await self.identify(sent.send, provider_id)
        failpoints.hit("identified")
        raise Deferred(self._settings.poll_seconds, sent.call, f"{sent.model} makes an answer in the background")

    async def store(self, sent: Sent, reply: Reply, mode: str, age: float) -> None:
        """Put a reply, asked for `age` seconds ago, on disk and tell those who wait for it."""
        if await self._record(sent, reply):
            self._telemetry.fetched(sent.model, mode, reply, sent.cost(reply, self._flex), age)
        await self._tell(sent.call)

    async def fail(self, send: UUID, call: UUID, error: CoursewrightError) -> None:
        """Record that a send came to nothing; its call may be asked again at once."""
        billed = isinstance(error, CallError) and error.billed
        await self._rows.record_failure(send, error.code, error.detail, billed=billed, retry_in=0)
        await self._tell(call)

    async def identify(self, send: UUID, provider_id: str) -> None:
        """Store the provider's id of a background request."""
        await self._rows.record_id(send, provider_id, self._settings.background_seconds, self._settings.poll_seconds)

    async def identify_batch(self, batch: UUID, provider_id: str) -> None:
        """Store the provider's id of a batch."""
        window, poll_in = self._settings.batch_seconds, self._settings.batch_poll_seconds
        await self._rows.record_batch(batch, provider_id, window, poll_in)

    async def _record(self, sent: Sent, reply: Reply) -> bool:
        """Put the raw reply on disk before anybody looks at it: in the database, or in a file while that is away.

        Returns False when it was on record already.
        """
        stored = reply_to_json(reply)
        price, cost = sent.charged(reply, self._flex), sent.cost(reply, self._flex)
        other = None if price is None or price == sent.price else price.to_json()
        dollars = None if cost is None else str(cost)
        record = {"prompt": sent.prompt, "reply": stored, "cost": dollars, "price": other}
        async with self.spilled(sent.send, _names(sent) | record):
            answers = await self._rows.record_reply(sent.send, sent.prompt, stored, cost, other)
        failpoints.hit("recorded")
        return answers is not None

    async def _learn_from(self, sent: Sent, provider: Provider, reply: Reply, seconds: float) -> None:
        used = reply.usage.input + reply.usage.output
        abilities = provider.abilities(sent.model.partition(":")[2])
        limits = reply.limits or ReportedLimits()
        charged = max(used, sent.tokens) if abilities.counts == "max_tokens" and not abilities.refund else used
        await self._learn(
            sent,
            provider,
            outcome="ok",
            counts=True,
            refund=sent.tokens - charged if sent.tokens else 0.0,
            seconds=seconds,
            output=reply.usage.output,
            input_ratio=reply.usage.input / sent.input_estimate if sent.input_estimate else 1.0,
            by_latency=abilities.signals_load_by_latency,
            requests={"limit": limits.requests.limit, "remaining": limits.requests.remaining},
            tokens={"limit": limits.tokens.limit, "remaining": limits.tokens.remaining},
        )

    async def _failed(self, sent: Sent, provider: Provider, error: Exception, seconds: float) -> BaseException:
        """Record a failure and return what the caller is to raise."""
        if isinstance(error, TimeoutError):
            error = CallTimedOut(f"{sent.model} sent no whole reply within {seconds:.0f} s.")
        else:
            error = known(error, provider.name)
        again = isinstance(error, CallError) and not isinstance(error, RequestRefused)
        billed = isinstance(error, CallError) and error.billed
        wait = 0.0
        if isinstance(error, NoCapacity):
            wait = self._settings.flex_wait_seconds * (1 + random.random())  # noqa: S311
        elif again and not isinstance(error, RateLimited):
            told = error.retry_after if isinstance(error, CallError) else None
            wait = (told or 1.0) + 4.0 * random.random()  # noqa: S311 - spreads load; the breaker lengthens it
        failpoints.hit("failed")
        await self._rows.record_failure(sent.send, error.code, error.detail, billed=billed, retry_in=wait)
        await self._tell(sent.call)
        headers = error.headers if isinstance(error, CallError) else {}
        limits = reported_limits(headers) or ReportedLimits()
        await self._learn(
            sent,
            provider,
            outcome="rate_limited" if isinstance(error, RateLimited) else "error",
            counts=again and not isinstance(error, (RateLimited, NoCapacity)),
            refund=0.0 if billed else sent.tokens,
            seconds=seconds,
            error=error.code,
            retry_after=error.retry_after if isinstance(error, RateLimited | Overloaded) else None,
            requests={"limit": limits.requests.limit},
            tokens={"limit": limits.tokens.limit},
        )
        return Deferred(wait or 0.2, sent.call, error.detail) if again else error

    async def _abandon(self, sent: Sent) -> None:
        with suppress(DatabaseUnavailable):
            await self._rows.record_failure(
                sent.send, "cancelled", "This process ended before the reply came.", billed=True, retry_in=0
            )

    async def _learn(self, sent: Sent, provider: Provider, **told: Any) -> None:
        """What is learned is no promise: without it the next call is only less well informed."""
        about = {"endpoint": provider.endpoint, "fingerprint": provider.fingerprint, "model": sent.model}
        try:
            await self._rows.learn({**about, "kind": sent.kind, **told})
        except (DatabaseUnavailable, psycopg.Error) as error:
            logger.warning("Nothing was learned from a call: %s", error)

    async def _tell(self, call: UUID) -> None:
        if self._on_settled is not None:
            try:
                await self._on_settled(call)
            except (DatabaseUnavailable, psycopg.Error) as error:
                logger.warning("Those who wait for call %s are not woken, they will ask: %s", call, error)


def known(error: Exception, adapter: str, *, billed: bool = True) -> CoursewrightError:
    """Return an error as one of the tree. What else an adapter raises is a mistake of ours: it is logged whole."""
    if isinstance(error, CoursewrightError):
        return error
    logger.error("The adapter of %s failed", adapter, exc_info=error)
    return CallError(f"The adapter of {adapter} failed: {error!r}", billed=billed)


def _names(sent: Sent) -> dict[str, Any]:
    return {"call": str(sent.call), "send": str(sent.send)}


__all__ = ["Flights", "Sent", "Settled", "known"]
