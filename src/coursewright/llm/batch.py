"""Batches: waves of calls that are not urgent, handed in and fetched by any worker, at a lower price.

Every step can be repeated: a wave whose submitter died is booked as perhaps billed and asked for again; a batch whose
results were half stored is fetched again, and what is stored stays.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import sql
from coursewright.errors import (
    CallError,
    CoursewrightError,
    DatabaseUnavailable,
    KeyRefused,
    NeedsAction,
    ReplyLost,
    RequestRefused,
)
from coursewright.llm import failpoints
from coursewright.llm.call import request_from_json
from coursewright.llm.flight import Flights, Sent, known
from coursewright.llm.model import Reply
from coursewright.llm.prices import Price
from coursewright.llm.provider import BatchItem, BatchResult, BatchState, Provider, Providers
from coursewright.settings import GatewaySettings

logger = logging.getLogger("coursewright.llm")


@dataclass(frozen=True, slots=True)
class _Due:
    id: UUID
    organisation_id: UUID
    model: str
    fingerprint: str
    provider_id: str
    late: bool
    over: bool
    cancelling: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    send: UUID
    call: UUID
    kind: str
    price: dict[str, Any] | None
    age: float


class Batches:
    """Hands in waves and stores what comes back."""

    def __init__(self, pool: Pool, providers: Providers, flights: Flights, settings: GatewaySettings) -> None:
        self._pool = pool
        self._providers = providers
        self._flights = flights
        self._settings = settings

    async def duties(self) -> int:
        """Hand in the next wave, and look after the batch that is due. Returns how many calls got on."""
        done = await self._flights.finish(self._hand_in())
        if due := await self._due():
            done += await self._look_after(due)
        return done

    async def ended(self, provider_id: str) -> bool:
        """A provider says that a batch has ended: look after it. False: it is not one of ours, or over already."""
        if await self._scalar("hasten_batch", provider_id=provider_id) is None:
            return False
        if due := await self._due():
            await self._look_after(due)
        return True

    async def _hand_in(self) -> int:
        """Hand in the next wave. To be done to its end: a batch that is on its way may be billed."""
        wave = await self._scalar("take_wave", **self._wave_settings())
        return await self._submit(wave) if wave else 0

    async def _submit(self, wave: dict[str, Any]) -> int:
        batch, organisation = UUID(wave["batch"]), UUID(wave["organisation"])
        calls = len(wave["items"])
        failpoints.hit("begun")
        provider: Provider | None = None
        try:
            items = [BatchItem(UUID(item["call"]), request_from_json(item["prompt"])) for item in wave["items"]]
            provider = await self._provider(wave["model"], organisation, wave["fingerprint"])
            provider_id = await provider.submit_batch(items)
        except Exception as raised:
            error = known(raised, wave["model"], billed=provider is not None)
            if provider and isinstance(error, KeyRefused) and await self._providers.refused(provider, organisation):
                await self._scalar("return_wave", batch=batch, why=error.detail)  # the next wave tries the next key
            elif (
                isinstance(error, RequestRefused | NeedsAction)
                or (isinstance(error, CallError) and error.billed)
                or error is not raised  # a mistake of ours: another wave would end so, too
            ):
                await self._fail(batch, error)
            else:
                await self._scalar("return_wave", batch=batch, why=error.detail)
            logger.warning("A batch of %d calls to %s was not taken: %s", calls, wave["model"], error.detail)
            return 0
        failpoints.hit("submitted")
        async with self._flights.spilled(batch, {"batch": str(batch), "provider_id": provider_id}):
            await self._flights.identify_batch(batch, provider_id)
        failpoints.hit("identified")
        return calls

    async def _look_after(self, due: _Due) -> int:
        provider: Provider | None = None
        results: Sequence[BatchResult] | None = None
        try:
            provider = await self._provider(due.model, due.organisation_id, due.fingerprint)
            if await provider.poll_batch(due.provider_id) == BatchState.ENDED:
                results = await provider.fetch_batch(due.provider_id)
            elif due.late and not due.cancelling:  # stuck: what is finished can still be had
                await provider.cancel_batch(due.provider_id)
                await self._scalar("cancel_batch", batch=due.id)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # asking failed, not the batch; others are not to suffer
            if isinstance(error, ReplyLost) and provider and provider.fingerprint == due.fingerprint:
                return await self._fail(due.id, error)
            if isinstance(error, KeyRefused) and provider:
                await self._providers.refused(provider, due.organisation_id)  # the next key asks the next time
            logger.warning("Batch %s cannot be asked for: %s", due.provider_id, error)
        if results is not None:
            return await self._store(due, results)
        return await self._fail(due.id, CallError("It was not there in time.", billed=True)) if due.over else 0

    async def _store(self, due: _Due, results: Sequence[BatchResult]) -> int:
        outcomes = {result.call_id: result.outcome for result in results}
        rest = outcomes.get(None, CallError("The batch ended without this call."))
        failpoints.hit("fetched")
        waiting = await self._waiting(due.id)
        for each in waiting:
            outcome = outcomes.get(each.call, rest)
            if isinstance(outcome, Reply):
                sent = Sent(each.call, each.send, due.model, each.kind, Price.stored(each.price))
                await self._flights.store(sent, outcome, "batch", each.age)
            else:
                await self._flights.fail(each.send, each.call, outcome)
        whole = outcomes.get(None)
        await self._end(due.id, whole.detail if isinstance(whole, CoursewrightError) else None)
        return len(waiting)

    async def _fail(self, batch: UUID, error: CoursewrightError) -> int:
        """End a batch that came to nothing, for each of its calls. Returns how many."""
        waiting = await self._waiting(batch)
        for each in waiting:
            await self._flights.fail(each.send, each.call, error)
        await self._end(batch, error.detail)
        return len(waiting)

    async def _provider(self, model: str, organisation: UUID, used: str) -> Provider:
        return await self._providers.get(model.partition(":")[0], organisation, used)

    async def _due(self) -> _Due | None:
        async with connected(self._pool) as connection, connection.cursor(row_factory=class_row(_Due)) as cursor:
            await cursor.execute(sql(__package__, "take_batch"), {"every": self._settings.batch_poll_seconds})
            return await cursor.fetchone()

    async def _waiting(self, batch: UUID) -> list[_Waiting]:
        async with connected(self._pool) as connection, connection.cursor(row_factory=class_row(_Waiting)) as cursor:
            await cursor.execute(sql(__package__, "sends_of_batch"), {"batch": batch})
            return await cursor.fetchall()

    async def _end(self, batch: UUID, error: str | None) -> None:
        await self._scalar("end_batch", batch=batch, error=error)

    async def _scalar(self, query: str, **parameters: Any) -> Any:
        async with connected(self._pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, query), parameters)
            return await cursor.fetchone()

    def _wave_settings(self) -> dict[str, Any]:
        return {
            "wait": self._settings.wave_seconds,
            "enough": self._settings.wave_calls,
            "most_calls": self._settings.batch_calls,
            "most_tokens": self._settings.batch_tokens,
            "submit": self._settings.timeout_seconds + self._settings.grace_seconds,
        }


__all__ = ["Batches"]
