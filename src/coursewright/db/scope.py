"""Connections that act for one organisation: row level security stands behind every query's own condition.

Role and organisation are set for a transaction, so nothing of them is left on a connection that goes back to the pool
or, through a transaction pooler, to somebody else.
"""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

from coursewright.db.pool import Connection, Pool, mapped_errors

API_ROLE = "coursewright_api"
_ACT_FOR = (
    "select set_config('role', %s, true), set_config('coursewright.organisation', %s, true), "
    "set_config('coursewright.actor', %s, true)"
)


class ScopedPool:
    """A pool whose every connection is a transaction in the name of one organisation.

    `actor` is who acts, in words: a job's story tells it.
    """

    def __init__(self, pool: Pool, organisation_id: UUID, actor: str = "") -> None:
        self._pool = pool
        self._organisation_id = organisation_id
        self._actor = actor

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction that sees the organisation's rows only."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(_ACT_FOR, [API_ROLE, str(self._organisation_id), self._actor])
                yield connection


__all__ = ["API_ROLE", "ScopedPool"]
