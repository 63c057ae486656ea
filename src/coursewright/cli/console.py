"""Where the command line writes: people read standard error, programs read standard output."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

stderr = Console(stderr=True, highlight=False)
stdout = Console(highlight=False)


def say(mark: str, text: str, *, to: Console = stderr) -> None:
    """Print a line under one of the three marks: ✓ done, ! look at it, ✗ failed. `text` is plain, not markup."""
    colour = {"✓": "green", "!": "yellow", "✗": "bold red"}[mark]
    to.print(f"[{colour}]{mark}[/] {escape(text)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """Write one JSON value to standard output, in ASCII where the terminal has nothing better."""
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    sys.stdout.write(json.dumps(value, ensure_ascii=plain, indent=2, default=str) + "\n")


def command(*words: object) -> str:
    """Return a command as it can be pasted into a shell."""
    return shlex.join(["coursewright", *map(str, words)])


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
