"""Accepted replies in Redis or Valkey, before those in the database: faster, never needed, and never the only copy.

Postgres says what may be held here, until when, and what has to go (`coursewright.forgotten`). While Redis is away,
calls are looked up in Postgres alone. Keys name installation and organisation: nobody finds another one's reply.
"""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from pydantic import SecretStr

from coursewright.errors import ConfigurationError
from coursewright.llm.call import CallRows, reply_from_json, reply_to_json
from coursewright.llm.model import Reply
from coursewright.settings import GatewaySettings

logger = logging.getLogger("coursewright.llm")
T = TypeVar("T")

_PATIENCE = 0.25  # seconds; Postgres answers sooner than that
_REST = 5.0  # seconds without Redis after it failed


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply that was found here."""

    call: UUID
    model: str
    reply: Reply


class FirstLevel:
    """Holds each reply for `seconds`, and of each organisation only the newest ones."""

    def __init__(self, url: SecretStr, rows: CallRows, settings: GatewaySettings) -> None:
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "The library of Redis is not installed.",
                hint="pip install 'coursewright[redis]', or set COURSEWRIGHT_GATEWAY__REDIS_HOURS=0.",
            ) from error
        self.seconds = round(settings.redis_hours * 3600)
        self._rows = rows
        self._most_bytes = settings.redis_entry_kb * 1024
        self._most_entries = settings.redis_entries
        try:
            self._redis: Any = Redis.from_url(
                url.get_secret_value(),
                socket_timeout=_PATIENCE,
                socket_connect_timeout=_PATIENCE,
                retry=Retry(NoBackoff(), 0),
                decode_responses=True,
            )
        except ValueError as error:  # not its text: it may quote the password
            raise ConfigurationError(
                "REDIS_URL is no address of Redis.", hint="Write redis://:password@host:6379, or rediss:// with TLS."
            ) from error
        self._rest_until = 0.0
        self._installation = ""

    async def find(self, organisation: UUID, keys: Sequence[str]) -> Kept | None:
        """Return the reply to one of some calls, the first that is here."""
        prefix = await self._prefix(organisation)
        for text in await self._asked(lambda: self._redis.mget([prefix + key for key in keys])) or ():
            try:
                if text is not None:
                    found = json.loads(text)
                    return Kept(UUID(found["call"]), found["model"], reply_from_json(found["reply"]))
            except (ValueError, KeyError, TypeError) as error:
                logger.warning("What Redis holds for a call cannot be used: %r", error)
        return None

    async def keep(self, organisation: UUID, key: str, kept: Kept) -> None:
        """Hold a reply that Postgres has on record as held here."""
        text = json.dumps({"call": str(kept.call), "model": kept.model, "reply": reply_to_json(kept.reply)})
        if len(text) > self._most_bytes:
            return
        prefix = await self._prefix(organisation)

        async def write() -> None:
            order = f"{prefix}order"
            pipe = self._redis.pipeline(transaction=False)
            pipe.set(prefix + key, text, ex=self.seconds)
            pipe.zadd(order, {key: time.time()})
            pipe.expire(order, self.seconds)
            pipe.zcard(order)
            too_many = (await pipe.execute())[3] - self._most_entries
            if too_many > 0:
                gone = [prefix + name for name, _ in await self._redis.zpopmin(order, too_many)]
                await self._redis.delete(*gone)

        await self._asked(write)

    async def forget(self) -> None:
        """Delete here what was deleted in Postgres. What cannot be deleted now is deleted in a later round."""
        gone = await self._rows.forgotten()
        if not gone:
            return
        names = [await self._prefix(organisation) + key for key, organisation in gone]
        if await self._asked(lambda: self._redis.delete(*names)) is not None:
            await self._rows.told_forgotten([key for key, _ in gone])

    async def aclose(self) -> None:
        """Close connections."""
        await self._redis.aclose()

    async def _prefix(self, organisation: UUID) -> str:
        if not self._installation:
            self._installation = (await self._rows.installation()).hex
        return f"coursewright:reply:{self._installation}:{organisation.hex}:"

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Return what Redis says; None while it is away."""
        if time.monotonic() < self._rest_until:
            return None
        from redis.exceptions import RedisError

        try:
            return await ask()
        except (RedisError, OSError, TimeoutError) as error:
            self._rest_until = time.monotonic() + _REST
            logger.warning("Redis does not answer; replies are looked up in Postgres alone: %s", error)
            return None


__all__ = ["FirstLevel", "Kept"]
