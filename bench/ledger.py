"""What `coursewright calls JOB` sums up, of each course that a benchmark has a model make."""

from collections.abc import Sequence
from uuid import UUID

from bench.report import Table
from coursewright.app import Coursewright
from coursewright.cli.calls import ledger_of, ledger_sums

_COLUMNS = ("calls", "tokens", "spent", "estimate", "perhaps")


async def summed(program: Coursewright, job: UUID, name: str) -> list[str]:
    """Return the row of a job."""
    told = dict(ledger_sums(*await ledger_of(program, job)))
    return [name, *(told.get(column, "nothing") for column in _COLUMNS)]


def table(what: str, rows: Sequence[Sequence[str]]) -> Table:
    """Return the table of some jobs."""
    return Table(
        f"Ledger: {what}",
        "Of each course what `coursewright calls JOB` sums up; rejected answers, repeats, cached and reasoning tokens "
        "are named where there are any. Perhaps: billed without a reply (suspected). The simulator writes 40 % of what "
        "an answer may have, whatever it is asked for; estimates are for models.",
        ("course", *_COLUMNS),
        rows,
    )


__all__ = ["summed", "table"]
