"""The tables of docs/reference/front-end.md: what existing front ends rely on, as tests read it."""

import re
from collections.abc import Iterator
from pathlib import Path

_PAGE = Path(__file__).parent.parent / "docs" / "reference" / "front-end.md"
_TABLES = re.findall(r"(?:^\|.*\n)+", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def rows(*header: str) -> list[list[str]]:
    """Return the rows of the table with this header; a cell that is code alone comes without its backticks."""
    (found,) = (lines for each in _TABLES if _cells((lines := each.splitlines())[0]) == list(header))
    return [_cells(line) for line in found[2:]]


def words() -> dict[str, list[str]]:
    """Return the words by where they stand."""
    return {where.partition(" ")[0].strip("`"): listed.split(", ") for where, listed in rows("where", "words")}


def paths(written: str) -> Iterator[str]:
    """Yield what `a{b, c[d]}` names: a, a.b, a.c, a.c[].d."""
    code = re.findall(r"`([^`]+)`", written)
    within, name = [""], ""
    for token in re.findall(r"\w+|[{}\[\]]", code[-1] if code else written):
        if token in "{[":
            within.append(name + ("." if token == "{" else "[]."))
        elif token in "}]":
            within.pop()
        else:
            name = within[-1] + token
            yield name


def _cells(line: str) -> list[str]:
    cells = [cell.strip() for cell in line.strip("|\n").split("|")]
    return [re.sub(r"^`([^`]*)`$", r"\1", cell) for cell in cells]


__all__ = ["paths", "rows", "words"]
