"""Tables without borders: three lines or more with wide gaps at the same places.

Text in two columns, formulas and contents have such gaps too, and are told by what stands in the columns.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from coursewright.documents.read.pdf_lines import Fonts, Line, Printed, placed_words
from coursewright.documents.read.pdf_rows import PlacedWord, part_of, row_of
from coursewright.documents.read.pdf_rules import Rule
from coursewright.documents.read.pdf_text import BULLET, NUMBER

_GAP = 1.1  # of the type's size: white space as wide as this parts columns
_STRETCHED = 1.15  # of the page's usual width of a character: a line that wide may have gaps
_SHORT = 45  # characters; shorter lines are looked at whatever their width
_LEADERS = re.compile(r"(?:\s?\.){4,}|…{2,}")
_EQUATION = re.compile(r"^\(\d+(?:\.\d+)*\)$|^[=<>≤≥≈+−±∑∫]$")
_FIGURE = re.compile(r"^[-–+~<>≤≥$€£]?\s?\d[\d.,:/ –-]*\s?\S{0,3}$")
_REMARK = re.compile(r"^(?:#|//|/\*)")
_FEWEST_ROWS = 3
_CELL_WORDS, _LABEL_WORDS = 12, 6  # mean of a column, and of the first one


@dataclass(frozen=True, slots=True)
class _Cut:
    """A printed line, cut where its gaps are wide."""

    line: Line
    cells: tuple[Line, ...]


def rows_in_columns(printed: Sequence[Printed], across: Sequence[Rule], fonts: Fonts) -> list[Line]:
    """Return the lines; those that stand in columns as rows."""
    lines: list[Line] = []
    usual = _usual_width(printed)
    run: list[Printed] = []
    for one in printed:
        if run and (not _may_be_row(one, usual) or not _follows(run[-1].line, one.line)):
            lines += _from_run(run, across, fonts)
            run = []
        if _may_be_row(one, usual):
            run.append(one)
        else:
            lines.append(one.line)
    return [*lines, *_from_run(run, across, fonts)]


def _usual_width(printed: Sequence[Printed]) -> float:
    widths = sorted(_width(one.line) for one in printed if len(one.line.text) > _SHORT)
    return widths[len(widths) // 2] if widths else 0.0


def _width(line: Line) -> float:
    return (line.right - line.left) / len(line.text) / max(line.size, 1.0)


def _may_be_row(one: Printed, usual: float) -> bool:
    line = one.line
    if line.mono or _LEADERS.search(line.text):
        return False
    return len(line.text) <= _SHORT or _width(line) > _STRETCHED * usual


def _follows(above: Line, line: Line) -> bool:
    return above.top + 0.3 * line.size < line.top < above.bottom + 1.2 * line.size


def _from_run(run: Sequence[Printed], across: Sequence[Rule], fonts: Fonts) -> list[Line]:
    if len(run) < _FEWEST_ROWS:
        return [one.line for one in run]
    lines: list[Line] = []
    table: list[_Cut] = []
    for one in run:
        cut = _Cut(one.line, tuple(_cells(one, fonts)))
        if not (_has_columns(cut) or (table and _goes_on(table, cut))):
            lines += [*_from_table(table, across), one.line]
            table = []
        else:
            table.append(cut)
    return [*lines, *_from_table(table, across)]


def _cells(one: Printed, fonts: Fonts) -> Iterator[Line]:
    words: list[PlacedWord] = []
    for word, left, right in placed_words(one, fonts):
        if words and left - words[-1][2] > _GAP * one.line.size and not word.glued:
            yield part_of(one.line, words)
            words = []
        words.append((word, left, right))
    yield part_of(one.line, words)


def _has_columns(cut: _Cut) -> bool:
    first = cut.cells[0].text
    return len(cut.cells) > 1 and not BULLET.match(first) and not NUMBER.match(first)


def _goes_on(table: Sequence[_Cut], cut: _Cut) -> bool:
    """Tell whether a line is the rest of a cell of the row above it, in a column after the first."""
    last = table[-1].line
    return (
        cut.line.left > min(row.line.left for row in table) + cut.line.size
        and cut.line.top < last.bottom + 0.6 * last.size
    )


def _from_table(table: Sequence[_Cut], across: Sequence[Rule]) -> list[Line]:
    """Return rows, or the lines as they are where they are no table."""
    plain = [cut.line for cut in table]
    full = [cut for cut in table if len(cut.cells) > 1]
    if len(full) < _FEWEST_ROWS:
        return plain
    columns = _columns(full)
    usual = max(sorted({len(cut.cells) for cut in full}), key=lambda n: sum(len(cut.cells) == n for cut in full))
    if len(columns) < usual or sum(len(cut.cells) == len(columns) for cut in full) < 0.6 * len(full):
        return plain
    rows: list[list[list[Line]]] = []
    for cut in table:
        if len(cut.cells) > 1 or not rows:
            rows.append([[] for _ in columns])
        for cell in cut.cells:
            rows[-1][_column_of(columns, cell)].append(cell)
    if not _is_tabular(rows):
        return plain
    bold = all(line.bold for cell in rows[0] for line in cell)
    ruled = any(
        full[0].line.bottom - 1 <= rule.at <= full[1].line.top + 1 and rule.covers(columns[0][0], columns[-1][1])
        for rule in across
    )
    head = (bold and not all(row[0] and row[0][0].bold for row in rows[1:])) or ruled or _changes(rows)
    return [row_of(row, head=head and number == 0) for number, row in enumerate(rows)]


def _columns(full: Sequence[_Cut]) -> list[tuple[float, float]]:
    """Return the stretches that cells take up, white space between them in every row."""
    found: list[tuple[float, float]] = []
    for left, right in sorted((cell.left, cell.right) for cut in full for cell in cut.cells):
        if found and left < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found


def _column_of(columns: Sequence[tuple[float, float]], cell: Line) -> int:
    middle = (cell.left + cell.right) / 2
    return min(range(len(columns)), key=lambda n: max(columns[n][0] - middle, middle - columns[n][1], 0.0))


def _is_tabular(rows: Sequence[Sequence[Sequence[Line]]]) -> bool:
    """Tell a table from text in columns, formulas and contents, by what stands in the columns."""
    texts = [[" ".join(line.text for line in cell) for cell in row] for row in rows]
    if any(_EQUATION.match(text) or _REMARK.match(text) for row in texts for text in row):
        return False
    for number, column in enumerate(zip(*texts, strict=True)):
        filled = [text for text in column if text]
        words = sum(len(text.split()) for text in filled)
        if not filled or words > (_CELL_WORDS if number else _LABEL_WORDS) * len(filled):
            return False
    last = [row[-1] for row in texts if row[-1]]
    counts_pages = all(text.isdigit() for text in last) and all(
        int(above) <= int(below) for above, below in pairwise(last)
    )
    return not counts_pages and _stand_in_line(rows)


def _changes(rows: Sequence[Sequence[Sequence[Line]]]) -> bool:
    """Tell whether words stand at the head of a column of code or figures."""
    for first, *others in zip(*rows, strict=True):
        below = [cell for cell in others if cell]
        if first and below and not any(line.mono or any(map(str.isdigit, line.text)) for line in first):
            code = all(line.mono for cell in below for line in cell)
            if code or all(_FIGURE.match(cell[0].text) for cell in below):
                return all(rows[0])
    return False


def _stand_in_line(rows: Sequence[Sequence[Sequence[Line]]]) -> bool:
    """Tell whether the cells of each column begin, end or centre at one place in most rows."""
    for column in zip(*rows, strict=True):
        edges = [(cell[0].left, cell[0].right, cell[0].left + cell[0].right) for cell in column if cell]
        most = max(sum(abs(edge[side] - other[side]) <= 3 for other in edges) for edge in edges for side in range(3))
        if most < 0.7 * len(edges):
            return False
    return True


__all__ = ["rows_in_columns"]
