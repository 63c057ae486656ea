"""Rows of a sheet to blocks: tables, and the captions and remarks between them."""

import re
from collections.abc import Iterable, Iterator, Sequence

from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.inline import fold
from coursewright.documents.read.tables import table_parts

Row = list[str]

MOST_ROWS = 5_000  # of a sheet; nobody teaches what comes after
_LETTERS = re.compile(r"[^\W\d_]")
_LONG = 30  # rows; a shorter table is read whatever it holds
_LONGEST_CAPTION = 100


def add_rows(builder: DocumentBuilder, rows: Iterable[Sequence[str]]) -> str:
    """Add the rows of a sheet, its cells given as text; return what had to be left out, or nothing.

    Rows without a cell separate tables. A long table that hardly holds words is a data dump, not course text.
    """
    kept: list[Row] = []
    more = False
    for row in rows:
        cells = [fold(cell) for cell in row]
        if not any(cells) and (not kept or not any(kept[-1])):
            continue
        if len(kept) >= MOST_ROWS:
            more = True
            break
        kept.append(cells)
    dumped = 0
    for group in _groups(kept):
        dumped += _add_group(builder, group)
    if dumped:
        return f"{dumped:,} rows of mere numbers or repeated values were left out"
    return f"only its first {MOST_ROWS:,} rows were read" if more else ""


def _groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in [*rows, []]:
        if any(row):
            group.append(row)
        elif group:
            yield group
            group = []


def _add_group(builder: DocumentBuilder, rows: list[Row]) -> int:
    """Add one table with what stands above and below it; return how many rows of data were left out."""
    while rows and (text := _lone(rows[0])):
        if len(rows) > 1 and len(text) <= _LONGEST_CAPTION and text[-1] not in ".!?:" and not _lone(rows[1]):
            builder.heading(text, 3)
        else:
            builder.add("paragraph", text)
        rows = rows[1:]
    below: list[str] = []
    while rows and (text := _lone(rows[-1])) and len(text.split()) > 3:
        below.insert(0, text)
        rows = rows[:-1]
    table = _without_empty_columns(rows)
    dumped = 0
    if _is_dump(table):
        dumped = len(table)
    elif table:
        if not _has_header(table):
            table.insert(0, [""] * len(table[0]))
        for part in table_parts(table):
            builder.add("table", part)
    for text in below:
        builder.add("paragraph", text)
    return dumped


def _lone(row: Row) -> str:
    """Return the text of a row that has one cell only: a caption or a remark."""
    texts = [cell for cell in row if cell]
    return (
        texts[0]
        if len(set(texts)) == 1 and _LETTERS.search(texts[0]) and not (len(texts) > 1 and len(row) == 2)
        else ""
    )


def _without_empty_columns(rows: Sequence[Row]) -> list[Row]:
    width = max(map(len, rows), default=0)
    filled = [[*row, *[""] * (width - len(row))] for row in rows]
    used = [column for column in range(width) if any(row[column] for row in filled)]
    return [[row[column] for column in used] for row in filled]


def _has_header(table: Sequence[Row]) -> bool:
    """Tell whether the first row names the columns: none of its cells is a number."""
    return all(not cell or _LETTERS.search(cell) for cell in table[0])


def _is_dump(table: Sequence[Row]) -> bool:
    if len(table) < _LONG:
        return False
    words = {cell for row in table[1:] for cell in row if _LETTERS.search(cell)}
    return len(words) < 0.2 * len(table)


__all__ = ["MOST_ROWS", "Row", "add_rows"]
