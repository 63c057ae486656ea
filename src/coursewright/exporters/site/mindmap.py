"""Draws a mind map as SVG: a tree from the reading side to the other, every label wrapped into its box.

Browsers measure text, an exporter cannot: widths are estimated generously, so that text fits in any font.
"""

import re
import unicodedata
from dataclasses import dataclass, field

from markupsafe import Markup

from coursewright.course.model import Branch, MindMap

_LINE = 18  # height of a line of text
_PAD_X, _PAD_Y = 12, 8
_GAP_X, _GAP_Y = 44, 12
_WIDEST = 22  # characters a line; wide characters count as two
_UNIT = 7.8  # width of a character at 14 px


@dataclass(slots=True)
class _Node:
    lines: list[str]
    depth: int
    children: list["_Node"] = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def width(self) -> float:
        return max(map(_units, self.lines)) * _UNIT + 2 * _PAD_X

    @property
    def height(self) -> float:
        return len(self.lines) * _LINE + 2 * _PAD_Y


def draw(mind_map: MindMap, label: str, *, rtl: bool = False) -> Markup:
    """Return the mind map as one `<svg>` element; colours come from the style sheet by class."""
    root = _node(Branch(title=mind_map.topic, branches=mind_map.branches), 0)
    columns: dict[int, float] = {}
    _measure(root, columns)
    starts: list[float] = [0]
    for depth in range(len(columns) - 1):
        starts.append(starts[-1] + columns[depth] + _GAP_X)
    bottom = _place(root, starts, 0)
    width, height = starts[-1] + columns[len(columns) - 1] + 4, bottom - _GAP_Y + 4
    parts: list[Markup] = []
    _paint(root, parts, width, rtl)
    return Markup(
        '<svg class="mindmap" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" '
        'viewBox="-2 -2 {:.0f} {:.0f}" width="{:.0f}" height="{:.0f}">{}</svg>'
    ).format(label, width, height, width, height, Markup("").join(parts))


def _node(branch: Branch, depth: int) -> _Node:
    return _Node(_wrap(branch.title), depth, [_node(child, depth + 1) for child in branch.branches])


def _measure(node: _Node, columns: dict[int, float]) -> None:
    columns[node.depth] = max(columns.get(node.depth, 0), node.width)
    for child in node.children:
        _measure(child, columns)


def _place(node: _Node, starts: list[float], top: float) -> float:
    """Place a node and what hangs on it below `top`; return where the next may begin."""
    node.x = starts[node.depth]
    bottom = top
    for child in node.children:
        bottom = _place(child, starts, bottom)
    if node.children:
        first, last = node.children[0], node.children[-1]
        node.y = (first.y + first.height / 2 + last.y + last.height / 2) / 2 - node.height / 2
        if node.y < top:  # a parent taller than its children
            _shift(node.children, top - node.y)
            bottom += top - node.y
            node.y = top
    else:
        node.y = top
    return max(bottom, node.y + node.height + _GAP_Y)


def _shift(nodes: list[_Node], by: float) -> None:
    for node in nodes:
        node.y += by
        _shift(node.children, by)


def _paint(node: _Node, parts: list[Markup], width: float, rtl: bool) -> None:
    def across(x: float) -> float:
        return width - 4 - x if rtl else x

    for child in node.children:
        x1, y1 = node.x + node.width, node.y + node.height / 2
        x2, y2 = child.x, child.y + child.height / 2
        bend = (x1 + x2) / 2
        path = f"M{across(x1):.1f} {y1:.1f}C{across(bend):.1f} {y1:.1f} {across(bend):.1f} {y2:.1f}"
        path += f" {across(x2):.1f} {y2:.1f}"
        parts.append(Markup('<path class="edge" d="{}"/>').format(path))
        _paint(child, parts, width, rtl)
    left = across(node.x + node.width) if rtl else node.x
    middle = left + node.width / 2
    spans = Markup("").join(
        Markup('<tspan x="{:.1f}" y="{:.1f}">{}</tspan>').format(middle, node.y + _PAD_Y + _LINE * (i + 0.75), line)
        for i, line in enumerate(node.lines)
    )
    parts.append(
        Markup(
            '<g class="node depth-{}"><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="8"/>'
            '<text text-anchor="middle">{}</text></g>'
        ).format(min(node.depth, 3), left, node.y, node.width, node.height, spans)
    )


def _units(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _wrap(text: str) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in re.findall(r"\S+(?: ·(?!\S))?", text.replace("`", "")):  # a dot stays with the word before it
        if line and _units(line) + 1 + _units(word) <= _WIDEST:
            line += " " + word
            continue
        if line:
            lines.append(line)
        line = ""
        for char in word:  # a word longer than a line is broken
            if _units(line) >= _WIDEST:
                lines.append(line)
                line = ""
            line += char
    return [*lines, line] if line else lines or [""]


__all__ = ["draw"]
