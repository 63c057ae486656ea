"""The markup of course texts, parsed once for every exporter: inline code, nested lists, pipe tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_ITEM = re.compile(r"^(?P<indent> *)(?P<mark>[-*•]|\d+[.)])\s+(?P<text>.*)$")
_RULE_CELL = re.compile(r"^:?-+:?$")


@dataclass(slots=True)
class Item:
    """One item of a list, with the lists inside it."""

    text: str
    lists: "list[ItemList]" = field(default_factory=list)


@dataclass(slots=True)
class ItemList:
    ordered: bool
    start: int = 1
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """A pipe table; every row has as many cells as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def inline(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of a text as (is code, text)."""
    at = 0
    for match in _CODE.finditer(text):
        if match.start() > at:
            yield False, text[at : match.start()]
        yield True, match.group(2).strip()
        at = match.end()
    if at < len(text):
        yield False, text[at:]


def plain(text: str) -> str:
    """Return the text without its markup, on one line."""
    return " ".join("".join(piece for _, piece in inline(text)).split())


def parse_list(text: str) -> list[ItemList]:
    """Return the lists of a list block; a line without a mark continues the item before it."""
    roots: list[ItemList] = []
    stack: list[tuple[int, ItemList]] = []
    for line in text.splitlines():
        match = _ITEM.match(line.replace("\t", "  "))
        if match is None:
            if line.strip():
                if stack:
                    stack[-1][1].items[-1].text += " " + line.strip()
                else:
                    roots.append(ItemList(False, items=[Item(line.strip())]))
                    stack = [(0, roots[-1])]
            continue
        indent, mark = len(match["indent"]), match["mark"]
        ordered = mark[0].isdigit()
        while stack and stack[-1][0] > indent:
            stack.pop()
        if not stack or stack[-1][0] < indent or stack[-1][1].ordered != ordered:
            new = ItemList(ordered, int(mark[:-1]) if ordered else 1)
            if stack and stack[-1][0] == indent:
                stack.pop()
            (stack[-1][1].items[-1].lists if stack else roots).append(new)
            stack.append((indent, new))
        stack[-1][1].items.append(Item(match["text"].strip()))
    return roots


def parse_table(text: str) -> Table | None:
    """Return the table of a table block, or None when the text is none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(_RULE_CELL.match(cell) for cell in _cells(lines[1])):
        return None
    head = _cells(lines[0])
    rows = []
    for line in lines[2:]:
        cells = _cells(line)[: len(head)]
        rows.append((*cells, *[""] * (len(head) - len(cells))))
    return Table(head, tuple(rows))


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip()
    inner = inner[1:] if inner.startswith("|") else inner
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner))


__all__ = ["Item", "ItemList", "Table", "inline", "parse_list", "parse_table", "plain"]
