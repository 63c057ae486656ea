"""Counts what no row in the database tells of; what was counted is written down together, now and then."""

from collections import Counter

from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool, connected
from coursewright.db.queries import sql


class Tally:
    """The counts of one process that are not written down yet. A process that is killed loses its last moments."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._counts: Counter[tuple[str, tuple[str, ...]]] = Counter()

    def count(self, name: str, *labels: str) -> None:
        """Add one to a counter; its name ends in `_total`."""
        self._counts[name, labels] += 1

    async def write(self) -> None:
        """Write down what was counted. Raises DatabaseUnavailable, and then keeps it for the next time."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        rows = [[name, labels, count] for (name, labels), count in counts.items()]
        try:
            async with connected(self._pool) as connection:
                await connection.execute(sql(__package__, "add_tallies"), {"tallies": Jsonb(rows)})
        except BaseException:
            self._counts += counts
            raise


__all__ = ["Tally"]
