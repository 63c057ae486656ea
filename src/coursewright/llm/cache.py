"""Stored answers as a cache: they are found by their keys in the calls themselves; here is how they end.

The key carries the organisation, so that no answer is ever found by another one. Money rows stay when texts go.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from psycopg.rows import scalar_row

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import sql
from coursewright.settings import GatewaySettings

_PRUNE_SECONDS = 3600.0


class Cache:
    """Deletes prompts and replies: old ones, too many, or those derived from a document."""

    def __init__(self, pool: Pool, settings: GatewaySettings) -> None:
        self._pool = pool
        self._settings = settings

    async def prune(self, days: float | None = None) -> int:
        """Delete texts that were not used for so many days (default: `cache_days`), then the longest unused beyond
        `cache_mb` of each organisation, but none that was used within a day (a job may be at work with it); and those
        whose sources were deleted while their call was in flight. Returns how many.
        """
        days, megabytes = self._settings.cache_days if days is None else days, self._settings.cache_mb
        return await self._scalar("prune", {"days": days, "bytes": megabytes * 1_000_000})

    async def prune_in_turn(self) -> None:
        """Prune, unless any process did within the hour."""
        if await self._scalar("take_prune", {"every": _PRUNE_SECONDS}):
            await self.prune()

    async def forget(self, organisation_id: UUID, knowledge_base_id: UUID, documents: Sequence[str] | None) -> int:
        """Delete what was derived from documents of a knowledge base (None: from all of it). Returns how many."""
        names = None if documents is None else list(documents)
        parameters = {"organisation": organisation_id, "knowledge_base": knowledge_base_id, "documents": names}
        return await self._scalar("forget_replies", parameters)

    async def _scalar(self, query: str, parameters: Mapping[str, object]) -> int:
        async with connected(self._pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, query), parameters)
            count: int = await cursor.fetchone() or 0
            return count


__all__ = ["Cache"]
