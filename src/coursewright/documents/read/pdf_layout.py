"""Lines of a PDF to blocks: headings, paragraphs, lists, tables, listings, captions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coursewright.documents.passages import ReadBlockKind
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.pdf_headings import Heading
from coursewright.documents.read.pdf_lines import Line
from coursewright.documents.read.pdf_rows import goes_on, table_rows
from coursewright.documents.read.pdf_text import (
    ENDS_SENTENCE,
    code_text,
    is_item,
    list_text,
    running_text,
    vocabulary,
    with_stops,
)
from coursewright.documents.read.tables import table_parts

_CAPTION = re.compile(
    r"^(?:Figure|Fig\.|Table|Example|Listing|Abbildung|Abb\.|Tabelle|Beispiel|Tableau|Exemple|Figura|Tabla|図|表)"
    r"\s*[\dA-Z][\d.]*\s?[:.–]"
)
_OF_A_FIGURE = re.compile(r"^(?:Fig|Abb|図)")
_LONGEST_LABEL = 40  # characters of a text that belongs to a drawing


@dataclass(slots=True)
class _Block:
    kind: ReadBlockKind
    lines: list[Line]


def add_blocks(builder: DocumentBuilder, lines: Sequence[Line], headings: Mapping[int, Sequence[Heading]]) -> None:
    """Add the blocks that `lines` make up; `headings` stand at the index of their first line."""
    lines = with_stops(lines)
    known = vocabulary(lines)
    section: list[_Block] = []
    block: list[Line] = []

    def end_block() -> None:
        if block:
            section.append(_Block(_kind(block), block.copy()))
            block.clear()

    index = 0
    while index < len(lines):
        line = lines[index]
        if index in headings:
            end_block()
            _write(builder, section, known)
            section.clear()
            builder.page = line.page + 1
            used = 0  # lines that are headings themselves; the others only stand below one
            for heading in headings[index]:
                builder.heading(heading.title, heading.level)
                used = max(used, heading.lines)
            if used:
                index += used
                continue
        if block and _begins_block(block, line):
            end_block()
        block.append(line)
        index += 1
    end_block()
    _write(builder, section, known)


def _kind(block: Sequence[Line]) -> ReadBlockKind:
    first = block[0]
    if first.cells:
        return "table"
    if all(line.mono for line in block) and (len(block) > 1 or len(first.words) > 1):
        return "code"
    if is_item(first):
        return "list"
    return "figure" if _CAPTION.match(first.text) and _OF_A_FIGURE.match(first.text) else "paragraph"


def _begins_block(block: Sequence[Line], line: Line) -> bool:
    first, last = block[0], block[-1]
    if first.cells or line.cells:
        return not goes_on(first, last, line)
    same_page = line.page == last.page
    gap = line.top - last.bottom if same_page else 0.0
    near = same_page and gap <= 0.55 * line.size
    ends = bool(ENDS_SENTENCE.search(last.text))
    listing = all(one.mono for one in block)
    if listing and line.mono:
        return same_page and gap > 2.5 * line.size
    if line.mono and not _goes_on(block, line, near=near, ends=ends):
        return True
    if listing and not line.mono:
        return True
    if is_item(line):
        return not is_item(first) or (same_page and gap > 2.5 * line.size)
    if abs(last.size - line.size) > 0.15 * max(last.size, line.size) and not line.mono and not last.mono:
        return True
    if not same_page:
        return ends or bool(_CAPTION.match(first.text))
    if not near or gap < -3 * line.size:  # the next paragraph, or the next column
        return gap > 0 or ends
    if is_item(first):
        return line.left <= first.left + 1 and ends
    if _CAPTION.match(line.text):
        return True
    widest = max(one.right for one in block)
    indented = line.left > last.left + 0.8 * line.size
    return ends and (indented or last.right < widest - 4 * line.size)


def _goes_on(block: Sequence[Line], line: Line, *, near: bool, ends: bool) -> bool:
    """Tell whether a line of code is the rest of a sentence rather than the start of a listing."""
    first, last = block[0], block[-1]
    if is_item(first):
        return near and (not ends or last is first) and line.left > first.left + 0.5 * line.size
    return near and not ends and abs(line.left - min(one.left for one in block)) < 2


def _write(builder: DocumentBuilder, section: Sequence[_Block], known: set[str]) -> None:
    for block in _without_labels(section):
        builder.page = block.lines[0].page + 1
        match block.kind:
            case "code":
                builder.add("code", code_text(block.lines))
            case "list":
                builder.add("list", list_text(block.lines, known))
            case "table":
                for part in table_parts(table_rows(block.lines, known)):
                    builder.add("table", part)
            case _:
                piece = running_text(block.lines, known).take()
                marks = [mark for mark in piece.marks if mark.end - mark.start < min(80, len(piece.text))]
                builder.add(block.kind, piece.text, marks)


def _without_labels(section: Sequence[_Block]) -> list[_Block]:
    """Leave out the words in a drawing: short scraps that stand above the caption of a figure."""
    kept: list[_Block] = []
    for block in section:
        if block.kind == "figure":
            while kept and kept[-1].lines[0].page == block.lines[0].page and _is_label(kept[-1]):
                kept.pop()
        kept.append(block)
    return kept


def _is_label(block: _Block) -> bool:
    text = block.lines[-1].text
    return (
        block.kind == "paragraph"
        and all(len(line.text) <= _LONGEST_LABEL for line in block.lines)
        and not ENDS_SENTENCE.search(text)
    )


__all__ = ["add_blocks"]
