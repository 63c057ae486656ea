"""The rows of a call: each method is one database function, one short transaction (migrations 0010 to 0012)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import sql
from coursewright.llm.model import Finish, Message, Reply, Request, Usage

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True, slots=True)
class Begun:
    """What `begin` found or did; see the function `begin_call` for what comes with each outcome."""

    outcome: Literal["stored", "pending", "send", "defer", "breaker", "budget", "price", "worn", "unfit", "refused"]
    call: UUID
    send: UUID | None = None
    seconds: float = 0.0
    why: str = ""
    state: str = ""
    other: UUID | None = None
    mode: str = ""
    poll: bool = False
    provider_id: str = ""
    age: float = 0.0
    model: str = ""
    fingerprint: str = ""
    key: str = ""
    reply: dict[str, Any] | None = None
    price: dict[str, Any] | None = None
    tokens: float = 0.0
    scope: str = ""
    cap: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    needed: Decimal = Decimal(0)
    error: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """A background reply that is due to be asked for."""

    send: UUID
    call: UUID
    organisation: UUID
    model: str
    kind: str
    fingerprint: str
    provider_id: str
    price: dict[str, Any] | None
    age: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What earlier calls of a kind teach: 90th percentile of output tokens, of the ratio of input tokens to our
    estimate, and 95th percentile of seconds. None before the eighth call.
    """

    output: float | None = None
    input_ratio: float | None = None
    seconds: float | None = None


class CallRows:
    """Calls in the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, asked: Mapping[str, Any]) -> Begun:
        """Find a stored answer, join somebody's call, or begin a send."""
        found = await self._scalar("begin_call", asked=Jsonb(asked, dumps=_dumps))
        for name in ("call", "send", "other"):
            if found.get(name):
                found[name] = UUID(found[name])
        for name in ("cap", "spent", "needed"):
            if name in found:
                found[name] = Decimal(str(found[name]))
        names = Begun.__dataclass_fields__
        return Begun(**{name: value for name, value in found.items() if name in names})

    async def record_id(self, send: UUID, provider_id: str, window: float, poll_in: float) -> None:
        """Store the provider's id of a background request; the reply can be fetched for `window` seconds."""
        await self._scalar("record_id", send=send, provider_id=provider_id, window=window, poll_in=poll_in)

    async def record_batch(self, batch: UUID, provider_id: str, window: float, poll_in: float) -> None:
        """Store the provider's id of a batch, which may take `window` seconds."""
        await self._scalar("record_batch", batch=batch, provider_id=provider_id, window=window, poll_in=poll_in)

    async def record_reply(
        self,
        send: UUID,
        prompt: Mapping[str, Any] | None,
        reply: Mapping[str, Any],
        cost: Decimal | None,
        price: Mapping[str, Any] | None = None,
    ) -> bool | None:
        """Store a reply and settle its money; False when another reply had come before, None when this one had.

        `price`: where it was not the one that was agreed.
        """
        document = None if prompt is None else Jsonb(prompt, dumps=_dumps)
        parameters = {"send": send, "prompt": document, "cost": cost, "price": None if price is None else Jsonb(price)}
        answers: bool | None
        try:
            answers = await self._scalar("record_reply", reply=Jsonb(reply, dumps=_dumps), **parameters)
        except psycopg.DataError:  # something in the provider's own JSON that Postgres does not take
            kept = {**reply, "raw": {}}
            answers = await self._scalar("record_reply", reply=Jsonb(kept, dumps=_dumps), **parameters)
        return answers

    async def record_failure(self, send: UUID, code: str, why: str, *, billed: bool, retry_in: float) -> None:
        """Record that a send came to nothing."""
        await self._scalar(
            "record_failure", send=send, code=code, why=why.replace("\x00", ""), billed=billed, retry_in=retry_in
        )

    async def record_verdict(self, call: UUID, reason: str | None, cache: float | None = None) -> None:
        """Record that an answer is accepted (no reason) or rejected. `cache`: seconds that the first level keeps it."""
        why = None if reason is None else reason.replace("\x00", "")
        await self._scalar("record_verdict", call=call, accepted=reason is None, why=why, cache=cache)

    async def use_reply(self, call: UUID, job: UUID | None) -> None:
        """Record that an answer was found in the first level."""
        await self._scalar("use_reply", call=call, job=job)

    async def learn(self, told: Mapping[str, Any]) -> None:
        """Tell limit, breaker and lengths how a send went."""
        await self._scalar("learn", told=Jsonb(told))

    async def learned(self, endpoint: str, model: str, kind: str) -> Learned:
        """Return what earlier calls of a kind teach."""
        async with (
            connected(self._pool) as connection,
            connection.cursor(row_factory=class_row(Learned)) as cursor,
        ):
            await cursor.execute(sql(__package__, "learned"), {"endpoint": endpoint, "model": model, "kind": kind})
            return await cursor.fetchone() or Learned()

    async def provider_storage(self, organisation: UUID) -> bool:
        """Tell whether prompts of an organisation may rest at a provider."""
        return bool(await self._scalar("provider_storage", organisation=organisation))

    async def reap(self) -> list[UUID]:
        """Give up sends past their deadline and tickets that nobody came for. Returns the calls that are free again."""
        return [UUID(str(call)) for call in await self._scalar("reap")]

    async def take_polls(self, most: int, every: float) -> list[Poll]:
        """Take background replies that are due to be asked for."""
        return await self._polls("take_polls", most=most, every=every)

    async def take_poll(self, provider_id: str, every: float) -> Poll | None:
        """Take the background reply of that id, due or not; None: there is none that anybody waits for."""
        found = await self._polls("take_poll", provider_id=provider_id, every=every)
        return found[0] if found else None

    async def orphans(self, provider: str) -> list[Poll]:
        """Return background requests whose id was not stored."""
        return await self._polls("orphans", provider=provider)

    async def longest_gap(self) -> float | None:
        """Return the longest time in seconds between two rounds of duties lately; None: not known."""
        gap: float | None = await self._scalar("longest_gap")
        return gap

    async def job_age(self, job: UUID) -> float | None:
        """Return the seconds since a job's first call; None: it made none."""
        age: float | None = await self._scalar("job_age", job=job)
        return age

    async def installation(self) -> UUID:
        """Return what tells this database from others."""
        found: UUID = await self._scalar("installation")
        return found

    async def forgotten(self) -> list[tuple[str, UUID]]:
        """Return keys, and their organisations, whose replies are to be deleted from the first level."""
        async with connected(self._pool) as connection:
            cursor = await connection.execute(sql(__package__, "forgotten"))
            return [(row[0], row[1]) for row in await cursor.fetchall()]

    async def told_forgotten(self, keys: Sequence[str]) -> None:
        """Record that they are."""
        await self._scalar("told_forgotten", keys=list(keys))

    async def _polls(self, query: str, **parameters: Any) -> list[Poll]:
        async with connected(self._pool) as connection, connection.cursor(row_factory=class_row(Poll)) as cursor:
            await cursor.execute(sql(__package__, query), parameters)
            return await cursor.fetchall()

    async def _scalar(self, query: str, **parameters: Any) -> Any:
        async with connected(self._pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, query), parameters)
            return await cursor.fetchone()


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """Return what is stored of a reply."""
    values = asdict(reply)
    del values["limits"]
    return values


def reply_from_json(stored: Mapping[str, Any]) -> Reply:
    """Return a reply that was stored."""
    return Reply(
        text=stored["text"],
        finish=Finish(stored["finish"]),
        usage=Usage(**stored["usage"]),
        model=stored["model"],
        provider_id=stored["provider_id"],
        raw=stored["raw"],
    )


def request_from_json(stored: Mapping[str, Any]) -> Request:
    """Return a request that was stored in its canonical form."""
    messages = tuple(Message(**message) for message in stored["messages"])
    return Request(**{**stored, "messages": messages})


def _dumps(value: Any) -> str:
    """Write JSON that Postgres takes: no NUL, no half of a surrogate pair."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if "\\u0000" in text:
        text = _NUL.sub(r"\1\\ufffd", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


__all__ = ["Begun", "CallRows", "Learned", "Poll", "reply_from_json", "reply_to_json", "request_from_json"]
