"""What an operator asks the program: is it able to work, and how much is there to do."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from coursewright.db.migrate import pending
from coursewright.db.pool import Pool, mapped_errors
from coursewright.db.queries import sql
from coursewright.db.scope import ScopedPool
from coursewright.errors import CoursewrightError, MigrationError

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so for the program to work; `detail` says what is wrong."""

    name: str
    passed: bool
    detail: str = ""


class Operations:
    """Health and measures of the whole installation."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool = pool
        self._url = url

    async def checks(self) -> list[Check]:
        """Check the database, its migrations and its row level security."""
        try:
            missing = await pending(self._url)
        except MigrationError as error:
            return [Check("database", True), Check("migrations", False, error.detail)]
        except CoursewrightError as error:
            return [Check("database", False, error.detail)]
        if missing:
            return [Check("database", True), Check("migrations", False, f"missing: {', '.join(missing)}")]
        return [Check("database", True), Check("migrations", True), await self._row_level_security()]

    async def _row_level_security(self) -> Check:
        """Workers must see all rows, requests those of one organisation only."""
        name = "row level security"
        query = sql(__package__, "row_security")
        try:
            with mapped_errors():
                async with self._pool.connection() as connection:
                    hidden = await (await connection.execute(query)).fetchone()
                async with ScopedPool(self._pool, _NOBODY).connection() as connection:
                    guarded = await (await connection.execute(query)).fetchone()
        except (CoursewrightError, psycopg.Error) as error:
            return Check(name, False, f"a request's role cannot be taken on: {error}".strip())
        if hidden and hidden[0]:
            return Check(name, False, "the workers' role does not see all rows: it must own the tables or bypass it")
        if not guarded or not guarded[0]:
            return Check(name, False, "the requests' role sees rows of all organisations")
        return Check(name, True)

    async def measures(self) -> list[dict[str, Any]]:
        """Return what there is to do, as (name, labels, value)."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(sql(__package__, "measures"))
                return await cursor.fetchall()


__all__ = ["Check", "Operations"]
