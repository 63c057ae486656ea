"""Turns the paragraphs of one text frame of a slide into lists, paragraphs and listings."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.inline import Inline, Piece, join_lines

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MONO = re.compile(r"mono|courier|consol|menlo|typewriter|source code|fira code|inconsolata", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Line:
    kind: str  # "list", "paragraph" or "code"
    piece: Piece


def add_text(builder: DocumentBuilder, bodies: Sequence[Any], *, bulleted: bool) -> None:
    """Add the paragraphs of `bodies[0]`, a `txBody` element; the others are those it inherits its bullets from.

    `bulleted` tells whether paragraphs have bullets where none of the bodies says so.
    """
    group: list[_Line] = []
    for line in _lines(bodies, bulleted=bulleted):
        if group and (line.kind != group[0].kind or line.kind == "paragraph"):
            _add(builder, group)
            group = []
        group.append(line)
    _add(builder, group)


def _add(builder: DocumentBuilder, lines: list[_Line]) -> None:
    if not lines:
        return
    whole = join_lines([line.piece for line in lines])
    match lines[0].kind:
        case "list":
            builder.add("list", whole.text, whole.marks)
        case "code":
            builder.add("code", whole.text)
        case _:
            builder.add("paragraph", whole.text, whole.marks)


def _lines(bodies: Sequence[Any], *, bulleted: bool) -> Iterator[_Line]:
    paragraphs = bodies[0].findall(f"{_A}p")
    if sum(1 for one in paragraphs if "".join(one.itertext()).strip()) < 2:
        bulleted = False  # one paragraph alone is no list, whatever the template draws in front of it
    numbers: Counter[int] = Counter()
    for paragraph in paragraphs:
        if _is_code(paragraph):
            yield _Line("code", Piece(_plain(paragraph)))
            continue
        piece = _piece(paragraph)
        if not piece.text:
            continue
        properties = paragraph.find(f"{_A}pPr")
        level = int(properties.get("lvl", 0)) if properties is not None else 0
        for deeper in [each for each in numbers if each > level]:
            del numbers[deeper]
        marker = _bullet(properties, bodies, level, bulleted=bulleted)
        if not marker:
            numbers.clear()
            yield _Line("paragraph", piece)
            continue
        numbers[level] = numbers[level] + 1 if marker == "1" else 0
        lead = "  " * level + (f"{numbers[level]}. " if marker == "1" else "- ")
        text = piece.text.replace("\n", " ")
        yield _Line("list", Piece(lead + text, tuple(mark.moved(len(lead)) for mark in piece.marks)))


def _bullet(properties: Any, bodies: Sequence[Any], level: int, *, bulleted: bool) -> str:
    """Return "-" or "1" for a paragraph with a bullet or a number, "" for one without."""
    styles = [body.find(f"{_A}lstStyle/{_A}lvl{level + 1}pPr") for body in bodies]
    for source in (properties, *styles):
        if source is None:
            continue
        if source.find(f"{_A}buNone") is not None:
            return ""
        if source.find(f"{_A}buAutoNum") is not None:
            return "1"
        if source.find(f"{_A}buChar") is not None or source.find(f"{_A}buBlip") is not None:
            return "-"
    return "-" if bulleted else ""


def _runs(paragraph: Any) -> Iterator[tuple[str, Any]]:
    """Yield text and properties of each run, field and line break."""
    for child in paragraph:
        if child.tag == f"{_A}br":
            yield "\n", None
        elif child.tag in (f"{_A}r", f"{_A}fld"):
            yield child.findtext(f"{_A}t") or "", child.find(f"{_A}rPr")


def _is_mono(properties: Any) -> bool:
    font = properties.find(f"{_A}latin") if properties is not None else None
    return font is not None and bool(_MONO.search(font.get("typeface", "")))


def _is_code(paragraph: Any) -> bool:
    runs = [properties for text, properties in _runs(paragraph) if text.strip()]
    return bool(runs) and all(map(_is_mono, runs))


def _plain(paragraph: Any) -> str:
    return "".join(text for text, _ in _runs(paragraph)).replace("\v", "\n")


def _piece(paragraph: Any) -> Piece:
    inline = Inline()
    code = False
    for text, properties in _runs(paragraph):
        if text == "\n":
            inline.line_break()
            continue
        if _is_mono(properties) != code:
            code = not code
            (inline.open_code if code else inline.close_code)()
        bold = not code and properties is not None and properties.get("b") == "1"
        if bold:
            inline.open("strong")
        inline.write(text)
        if bold:
            inline.close()
    piece = inline.take()
    return Piece(piece.text, tuple(mark for mark in piece.marks if mark.end - mark.start < len(piece.text)))


__all__ = ["add_text"]
