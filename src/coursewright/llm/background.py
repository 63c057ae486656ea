"""Replies that a provider makes in the background: fetched by whoever comes, by anybody's round of duties, or when the
provider says that one is made.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace

from coursewright.errors import DatabaseUnavailable, KeyRefused
from coursewright.llm.call import CallRows, Poll
from coursewright.llm.flight import Flights, Sent
from coursewright.llm.model import Deferred, Reply
from coursewright.llm.prices import Price
from coursewright.llm.provider import Providers
from coursewright.settings import GatewaySettings

logger = logging.getLogger("coursewright.llm")

_MOST_POLLS = 20  # in one round


class Background:
    """Fetches replies."""

    def __init__(self, rows: CallRows, providers: Providers, flights: Flights, settings: GatewaySettings) -> None:
        self._rows = rows
        self._providers = providers
        self._flights = flights
        self._settings = settings

    async def duties(self) -> int:
        """Fetch what is due. Returns how many replies came; a provider that cannot be asked holds up no other."""
        done = 0
        for due in await self._rows.take_polls(_MOST_POLLS, self._settings.poll_seconds):
            done += await self._try(due)
        return done

    async def fetch(self, due: Poll) -> Reply:
        """Fetch a reply with the key that asked for it, or the next one. Raises Deferred while it is not there."""
        provider = await self._providers.get(due.model.partition(":")[0], due.organisation, due.fingerprint)
        sent = Sent(due.call, due.send, due.model, due.kind, Price.stored(due.price))
        same_key = provider.fingerprint == due.fingerprint
        try:
            return await self._flights.fetch(sent, provider, due.provider_id, due.age, same_key=same_key)
        except KeyRefused as error:
            if await self._providers.refused(provider, due.organisation):
                raise Deferred(self._settings.poll_seconds, due.call, "the next key is tried") from error
            raise

    async def ended(self, provider: str, provider_id: str) -> bool:
        """A provider says that a reply is made: fetch it. False: nobody here waits for it."""
        due = await self._rows.take_poll(provider_id, self._settings.poll_seconds)
        due = due or await self._adopted(provider, provider_id)
        if due is None:
            return False
        await self._try(due)
        return True

    async def _try(self, due: Poll) -> bool:
        try:
            await self.fetch(due)
        except Deferred:
            return False
        except DatabaseUnavailable:
            raise
        except Exception as error:  # on record with the call, or its deadline will tell; others are not to suffer
            logger.warning("Call %s: %s", due.call, error)
            return False
        return True

    async def _adopted(self, provider: str, provider_id: str) -> Poll | None:
        """Find the request whose reply this is, where its id was never stored: its process was killed in between."""
        orphans = await self._rows.orphans(provider)
        for organisation, used in dict.fromkeys((orphan.organisation, orphan.fingerprint) for orphan in orphans):
            try:
                reply = await (await self._providers.get(provider, organisation, used)).fetch(provider_id)
            except Exception:  # noqa: S112 - of another account, most likely
                continue
            metadata = None if reply is None else reply.raw.get("metadata")
            call = metadata.get("call_id") if isinstance(metadata, Mapping) else None
            for orphan in orphans:
                if str(orphan.call) == call and orphan.organisation == organisation:
                    await self._flights.identify(orphan.send, provider_id)
                    return replace(orphan, provider_id=provider_id)
        return None


__all__ = ["Background"]
