"""Pipe tables, read cell by cell with the place of each cell in the text."""

import itertools
import re

Cell = tuple[str, int, int]  # text, start, end in the block's text

_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*$")
_BAR = re.compile(r"(?<!\\)\|")


def rows_of(text: str) -> list[list[Cell]]:
    """Return the rows of a pipe table, the header first, without the rule; [] when it has no rule."""
    rows: list[list[Cell]] = []
    offset, ruled = 0, False
    for line in text.splitlines(keepends=True):
        if _RULE.match(line):
            ruled = ruled or len(rows) == 1
        elif line.strip():
            rows.append(_cells(line, offset))
        offset += len(line)
    return rows if ruled else []


def _cells(line: str, offset: int) -> list[Cell]:
    bars = [found.start() for found in _BAR.finditer(line)]
    edges = [-1, *bars, len(line.rstrip("\n"))]
    cells = []
    for left, right in itertools.pairwise(edges):
        piece = line[left + 1 : right]
        body = piece.strip()
        start = left + 1 + (len(piece) - len(piece.lstrip()))
        cells.append((body, offset + start, offset + start + len(body)))
    if cells and not cells[0][0] and line.lstrip().startswith("|"):
        cells = cells[1:]
    if cells and not cells[-1][0] and line.rstrip().endswith("|"):
        cells = cells[:-1]
    return cells


__all__ = ["Cell", "rows_of"]
