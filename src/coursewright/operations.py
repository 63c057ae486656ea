"""What an operator asks the program: is it able to work, and how much is there to do."""

import contextlib
import shutil
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg

from coursewright.db.migrate import pending
from coursewright.db.pool import Pool, connected, mapped_errors
from coursewright.db.queries import fetch_all, sql
from coursewright.db.scope import ScopedPool
from coursewright.db.tally import Tally
from coursewright.errors import CoursewrightError, DatabaseUnavailable, MigrationError
from coursewright.queue.submission import forget_old_submissions
from coursewright.settings import DatabaseSettings

_NOBODY = UUID(int=0)
_SECONDS_BETWEEN_SUMS = 10.0
_SOON = DatabaseSettings(connect_timeout=3)  # who asks for health waits five seconds


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so for the program to work; `detail` says what is wrong."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """How much there is of something now."""

    name: str
    labels: list[str]
    value: float


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened since the database was made: `n` times, `total` in all.

    Of a measure of seconds: those that fell into one bucket, `bucket` being how many `bounds` lie at or below them.
    """

    name: str
    labels: list[str]
    bucket: int
    n: int
    total: float
    bounds: list[float]


class Operations:
    """Health and measures of the whole installation.

    `month_budget`: dollars that an organisation may spend in a month where nothing else is said. `data_dir`: where the
    embedded database is; None: it is elsewhere.
    """

    def __init__(
        self, pool: Pool, url: str, *, month_budget: float | None = None, data_dir: Path | None = None
    ) -> None:
        self._pool = pool
        self._url = url
        self._month_budget = None if month_budget is None else Decimal(str(month_budget))
        self._data_dir = data_dir
        self.tally = Tally(pool)
        self._next_sum = 0.0

    async def checks(self) -> list[Check]:
        """Check the database, its migrations and its row level security."""
        try:
            missing = await pending(self._url, settings=_SOON)
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

    async def measures(self) -> tuple[list[Measure], list[Count]]:
        """Return how much there is now, and how often things happened. Raises DatabaseUnavailable."""
        self.tally.count("scrapes_total")
        writable = await self._add_up()
        parameters = {"month_cap": self._month_budget}
        async with connected(self._pool) as connection:
            measures = await fetch_all(connection, Measure, sql(__package__, "measures"), parameters)
            counts = await fetch_all(connection, Count, sql(__package__, "counts"), {})
        measures.append(Measure("database_writable", [], float(writable)))
        if self._data_dir is not None:
            with contextlib.suppress(OSError):
                measures.append(Measure("disk_free_bytes", [], float(shutil.disk_usage(self._data_dir).free)))
        return measures, counts

    async def forget_old(self) -> None:
        """Delete what no window of the limits and no repeated request can ask for any more; add up what was counted."""
        await forget_old_submissions(self._pool)
        await self.keep_count()

    async def keep_count(self) -> None:
        """Write down and add up what was counted, if it is time to; a duty of every process that runs for long."""
        if time.monotonic() >= self._next_sum:
            self._next_sum = time.monotonic() + _SECONDS_BETWEEN_SUMS
            await self._add_up()

    async def _add_up(self) -> bool:
        """Write what was counted; tell whether the database takes it."""
        try:
            await self.tally.write()
            async with connected(self._pool) as connection:
                await connection.execute(sql(__package__, "fold_tallies"))
        except (DatabaseUnavailable, psycopg.Error):
            return False
        return True


__all__ = ["Check", "Count", "Measure", "Operations"]
