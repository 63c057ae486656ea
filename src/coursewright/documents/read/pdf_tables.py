"""Tables of a PDF page: text between drawn borders, or in columns that white space parts; a row becomes one line.

PDFium gives text in the order in which it was drawn, so the lines inside a grid are cut at its borders word by word.
"""

from collections.abc import Sequence
from typing import Any

from coursewright.documents.read.pdf_columns import rows_in_columns
from coursewright.documents.read.pdf_lines import Fonts, Line, Printed, placed_words
from coursewright.documents.read.pdf_rows import PlacedWord, part_of, row_of
from coursewright.documents.read.pdf_rules import Grid, Rule, grids, page_rules
from coursewright.documents.read.pdf_text import ENDS_SENTENCE

_HEAD_WORDS = 12
_MOST_CELL_WORDS = 150  # more is a page laid out in boxes
_FEWEST_LINES = 3  # between two borders, from which each may be a row of its own
_FEW_BANDS = 3  # a table with more of them has a border below each row
_ONE_LINE = 3.0  # points between the tops of texts that stand in one line
_LEAST_FILLED = 0.5


def with_tables(printed: Sequence[Printed], page: Any, fonts: Fonts, height: float) -> list[Line]:
    """Return the lines of a page in which each row of a table is one line, with its `cells`."""
    across, down = page_rules(page, fonts.raw, height)
    left: list[Printed | list[Line]] = list(printed)
    for grid in grids(across, down):
        inside = [one for one in left if isinstance(one, Printed) and grid.holds(*_centre(one.line))]
        rows = _ruled_rows(grid, inside, fonts)
        if rows:
            place = left.index(inside[0])
            held = {id(one) for one in inside}
            left[place] = rows
            left = [one for one in left if id(one) not in held]
    lines: list[Line] = []
    run: list[Printed] = []
    for one in left:
        if isinstance(one, Printed):
            run.append(one)
        else:
            lines += [*rows_in_columns(run, across, fonts), *one]
            run = []
    return [*lines, *rows_in_columns(run, across, fonts)]


def _centre(line: Line) -> tuple[float, float]:
    return (line.left + line.right) / 2, (line.top + line.bottom) / 2


def _ruled_rows(grid: Grid, inside: Sequence[Printed], fonts: Fonts) -> list[Line]:
    """Return the rows of a grid; [] when it is a frame, a form or a drawing."""
    size = (len(grid.rows) - 1, len(grid.columns) - 1)
    cells: list[list[list[Line]]] = [[[] for _ in range(size[1])] for _ in range(size[0])]
    for one in inside:
        band = _between(grid.rows, _centre(one.line)[1])
        column = _between(grid.columns, one.line.left)
        if column == _between(grid.columns, one.line.right):
            row, column = _owner(grid, band, column)
            cells[row][column].append(one.line)
            continue
        by_cell: dict[tuple[int, int], list[PlacedWord]] = {}
        for word, left, right in placed_words(one, fonts, grid.columns[1:-1]):
            place = _owner(grid, band, _between(grid.columns, (left + right) / 2))
            by_cell.setdefault(place, []).append((word, left, right))
        for (row, column), words in by_cell.items():
            cells[row][column].append(part_of(one.line, words))
    if size[0] <= _FEW_BANDS:
        cells = [row for band in cells for row in _printed_rows(band)]
    rows = [row for row in cells if any(row)]
    used = [column for column in range(size[1]) if any(row[column] for row in rows)]
    rows = [[row[column] for column in used] for row in rows]
    filled = sum(bool(cell) for row in rows for cell in row)
    if len(rows) < 2 or len(used) < 2 or filled < (_LEAST_FILLED if len(rows) > 2 else 0.8) * len(rows) * len(used):
        return []
    if any(sum(len(line.words) for line in cell) > _MOST_CELL_WORDS for row in rows for cell in row):
        return []
    head = _is_head(rows)
    return [row_of(row, head=head and number == 0) for number, row in enumerate(rows)]


def _between(borders: Sequence[float], place: float) -> int:
    """Return the number of the stretch that a place lies in; outside counts as the nearest."""
    return min(max(sum(border <= place for border in borders) - 1, 0), len(borders) - 2)


def _owner(grid: Grid, row: int, column: int) -> tuple[int, int]:
    """Return the cell that a place belongs to where cells span several columns or rows: the first of them."""
    top, bottom = grid.rows[row : row + 2]
    while column and not _drawn(grid.down, grid.columns[column], top, bottom):
        column -= 1
    left, right = grid.columns[column : column + 2]
    while row and not _drawn(grid.across, grid.rows[row], left, right):
        row -= 1
    return row, column


def _drawn(rules: Sequence[Rule], place: float, start: float, end: float) -> bool:
    return any(abs(rule.at - place) <= 4 and rule.covers(start, end) for rule in rules)


def _printed_rows(band: list[list[Line]]) -> list[list[list[Line]]]:
    """Part the rows between two borders that are one printed line each, as in tables ruled above and below only."""
    starts: list[float] = []
    for top in sorted(line.top for cell in band for line in cell):
        if not starts or top - starts[-1] > _ONE_LINE:
            starts.append(top)
    rows = [[[line for line in cell if 0 <= line.top - start <= _ONE_LINE] for cell in band] for start in starts]
    alike = len(rows) >= _FEWEST_LINES and all(row[0] and any(row[1:]) for row in rows)
    return rows if alike else [band]


def _is_head(rows: Sequence[Sequence[Sequence[Line]]]) -> bool:
    """Tell whether the first row names the columns: short words in each, but perhaps not in the first."""
    first, *others = rows
    texts = [" ".join(line.text for line in cell) for cell in first]
    if not all(texts[1:]) or any(len(text.split()) > _HEAD_WORDS or ENDS_SENTENCE.search(text) for text in texts):
        return False
    labels_bold = all(line.bold for row in others for cell in row[:1] for line in cell)
    return all(line.bold for cell in first for line in cell) or not labels_bold


__all__ = ["with_tables"]
