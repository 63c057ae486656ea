"""Where the command line writes: people read standard error, programs read standard output."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

# Without a colour system nothing is dim or bold either: NO_COLOR asks for text alone.
_COLOURS: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
stderr = Console(stderr=True, highlight=False, color_system=_COLOURS)
stdout = Console(highlight=False, color_system=_COLOURS)


def say(mark: str, text: str, *, to: Console = stderr) -> None:
    """Print a line under a mark: ✓ done, ! look at it, ✗ failed, → what comes. `text` is plain, not markup."""
    colour = {"✓": "green", "!": "yellow", "✗": "bold red", "→": "cyan"}[mark]
    first, *rest = _lines(text, to)
    to.print(f"[{colour}]{mark}[/] {escape(first)}", soft_wrap=True)
    for line in rest:
        to.print(f"  {escape(line)}", soft_wrap=True)


def tell(text: str, *, to: Console = stderr) -> None:
    """Print what to do, below a line of `say`. `text` is plain, not markup."""
    for line in _lines(text, to):
        to.print(f"  {escape(line)}", soft_wrap=True)


def _lines(text: str, to: Console) -> Iterator[str]:
    """Cut a text at spaces to what a terminal shows beside a mark; elsewhere a message stays one line.

    Below a line break stands a command, which stays whole, so that it can be pasted.
    """
    first, *commands = text.split("\n")
    yield from _broken(first, to) if to.is_terminal else [first]
    yield from commands


def _broken(text: str, to: Console) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and cell_len(f"{line} {word}") > to.width - 2:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def print_rows(head: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Write rows to standard output: a table on a terminal, lines with tabs elsewhere. Cells are plain, not markup."""
    if not stdout.is_terminal:
        for row in rows:
            sys.stdout.write("\t".join(map(str, row)) + "\n")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), show_edge=False)
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else escape(cell) for cell in row))
    stdout.print(table)


def print_json(value: Any) -> None:
    """Write one JSON value to standard output, in ASCII where the terminal has nothing better."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    sys.stdout.write(json.dumps(value, ensure_ascii=plain, indent=2, default=str) + "\n")


def command(*words: object) -> str:
    """Return a command as it can be pasted into a shell, also where `coursewright` is not on the PATH."""
    return shlex.join([*_program(), *map(str, words)])


def _program() -> list[str]:
    """Return how the program is called: by its name, or as this process was."""
    called = Path(sys.argv[0])
    if shutil.which("coursewright") or not called.is_file():
        return ["coursewright"]
    if called.name == "__main__.py":
        return [_from_here(Path(sys.executable)), "-m", "coursewright"]
    return [_from_here(called)]


def _from_here(program: Path) -> str:
    """Return the path of a program, with a folder, so that a shell does not look for it on the PATH."""
    path = program.absolute()  # links stay: that of an environment leads to a Python that knows nothing of us
    if not path.is_relative_to(Path.cwd()):
        return str(path)
    return os.path.join(".", path.name) if path.parent == Path.cwd() else str(path.relative_to(Path.cwd()))


def near(path: Path) -> Path:
    """Return a path as short as it can be said here: relative below the current folder."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 lesson`, `1,200 passages`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return seconds in words: `4 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
