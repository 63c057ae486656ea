"""The lines drawn on a page of a PDF, and the grids that they make up: the borders of tables.

Programs draw a border as a stroked line, as a stroked rectangle a cell, or as a thin filled box; all are taken alike.
"""

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_THIN = 3.0  # points; a path as thin as this is a line
_SHORTEST = 4.0  # points; shorter ones are marks in a drawing
_SAME = 2.0  # points between lines that are one
_APART = 4.0  # points between lines that are one in two strokes, or between two pieces of one
_MOST_PATHS, _MOST_PIECES, _MOST_RULES = 4_000, 3_000, 150  # a page with more is a drawing
_LINE_TO, _MOVE_TO = 0, 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line: `at` is its distance from the top or the left of the page, in points, from `start` to `end`."""

    at: float
    start: float
    end: float

    def covers(self, start: float, end: float) -> bool:
        """Tell whether it runs along at least half of a stretch."""
        return 2 * (min(self.end, end) - max(self.start, start)) >= end - start


@dataclass(frozen=True, slots=True)
class Grid:
    """Crossing lines: where they stand, from left to right and from top to bottom, and the lines themselves."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    across: tuple[Rule, ...]
    down: tuple[Rule, ...]

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a point lies inside."""
        return self.columns[0] <= x <= self.columns[-1] and self.rows[0] <= y <= self.rows[-1]


def page_rules(page: Any, raw: Any, height: float) -> tuple[list[Rule], list[Rule]]:
    """Return the horizontal and the vertical lines of a page, pieces of one line joined."""
    across: list[Rule] = []
    down: list[Rule] = []
    edges = [ctypes.c_float() for _ in range(4)]
    pieces = paths = 0
    for index in range(raw.FPDFPage_CountObjects(page)):
        path = raw.FPDFPage_GetObject(page, index)
        if raw.FPDFPageObj_GetType(path) != raw.FPDF_PAGEOBJ_PATH:
            continue
        paths += 1
        if paths > _MOST_PATHS:
            return [], []
        if not raw.FPDFPageObj_GetBounds(path, *edges):
            continue
        left, bottom, right, top = (edge.value for edge in edges)
        boxes = [(left, height - top, right, height - bottom)]
        if right - left > _THIN and top - bottom > _THIN:
            pieces += raw.FPDFPath_CountSegments(path)
            boxes = list(_pieces(path, raw, height)) if pieces < _MOST_PIECES else []
        for box in boxes:
            _add(across, down, *box)
    across, down = _joined(across), _joined(down)
    return (across, down) if max(len(across), len(down)) <= _MOST_RULES else ([], [])


def _add(across: list[Rule], down: list[Rule], left: float, top: float, right: float, bottom: float) -> None:
    if bottom - top <= _THIN and right - left >= _SHORTEST:
        across.append(Rule((top + bottom) / 2, left, right))
    elif right - left <= _THIN and bottom - top >= _SHORTEST:
        down.append(Rule((left + right) / 2, top, bottom))


def _pieces(path: Any, raw: Any, height: float) -> Iterator[tuple[float, float, float, float]]:
    """Yield the boxes of the straight pieces of a stroked path; a path with curves has none."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    if not raw.FPDFPath_GetDrawMode(path, fill, stroke) or not stroke.value:
        return
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(path, matrix)
    x, y = ctypes.c_float(), ctypes.c_float()
    corners: list[tuple[bool, float, float]] = []
    for index in range(raw.FPDFPath_CountSegments(path)):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind not in (_LINE_TO, _MOVE_TO):
            return
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        across = matrix.a * x.value + matrix.c * y.value + matrix.e
        corners.append((kind == _MOVE_TO, across, height - (matrix.b * x.value + matrix.d * y.value + matrix.f)))
    for (_, x0, y0), (lifted, x1, y1) in pairwise(corners):
        if not lifted:
            yield min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _joined(rules: Iterable[Rule]) -> list[Rule]:
    """Join lines that stand at one place and touch, in order of their places."""
    clusters: list[list[Rule]] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if clusters and rule.at - clusters[-1][-1].at <= _SAME:
            clusters[-1].append(rule)
        else:
            clusters.append([rule])
    found: list[Rule] = []
    for cluster in clusters:
        begun: list[Rule] = []
        for rule in sorted(cluster, key=lambda rule: (rule.start, rule.end)):
            if begun and rule.start <= begun[-1].end + _APART:
                begun[-1] = Rule(begun[-1].at, begun[-1].start, max(begun[-1].end, rule.end))
            else:
                begun.append(rule)
        found += begun
    return found


def grids(across: Sequence[Rule], down: Sequence[Rule]) -> list[Grid]:
    """Return the grids of at least two columns and two rows, from the top of the page to its bottom."""
    groups: list[tuple[list[Rule], list[Rule]]] = []
    for line in down:
        crossed = [rule for rule in across if _meet(rule, line)]
        own = (crossed, [line])
        apart = []
        for group in groups:
            if any(rule in crossed for rule in group[0]):
                own = ([*group[0], *(rule for rule in own[0] if rule not in group[0])], [*group[1], *own[1]])
            else:
                apart.append(group)
        groups = [*apart, own]
    found = []
    for rules, lines in groups:
        if len(rules) < 2:
            continue
        columns = _places(line.at for line in lines)
        columns = _places([*columns, min(rule.start for rule in rules), max(rule.end for rule in rules)])
        rows = _places([rule.at for rule in rules])
        rows = _places([*rows, min(line.start for line in lines), max(line.end for line in lines)])
        if len(columns) > 2 and len(rows) > 2:
            found.append(Grid(columns, rows, tuple(rules), tuple(lines)))
    return sorted(found, key=lambda grid: (grid.rows[0], grid.columns[0]))


def _meet(across: Rule, down: Rule) -> bool:
    return (
        across.start - _APART <= down.at <= across.end + _APART
        and down.start - _APART <= across.at <= down.end + _APART
    )


def _places(values: Iterable[float]) -> tuple[float, ...]:
    """Return places in order, of those that lie close together the first."""
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _APART:
            found.append(value)
    return tuple(found)


__all__ = ["Grid", "Rule", "grids", "page_rules"]
