"""Reads PPTX: a slide is a page, its title a heading, its speaker notes are notes."""

import io
import re
from collections.abc import Iterator
from typing import Any

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.archive import open_archive
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.inline import fold
from coursewright.documents.read.languages import primary
from coursewright.documents.read.pptx_text import add_text
from coursewright.documents.read.properties import DECORATIVE, core_properties
from coursewright.documents.read.tables import table_parts
from coursewright.errors import UnreadableDocument

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_DIAGRAM_PLACE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_FURNITURE = {"dt", "ftr", "sldNum", "hdr"}  # placeholder types
_TITLES = {"title", "ctrTitle"}
_LISTS = {"", "body", "obj"}  # their paragraphs have bullets unless something says that they have none
_CHAPTERS = {"title", "secHead"}  # layout types
_CONTINUED = re.compile(
    r"\s*[\[(](?:cont(?:inued|['’]?d|\.)?\.?|Forts\.|Fortsetzung|suite|\d+\s*(?:/|of|von|de)\s*\d+)[\])]$"
    r"|[\s,–-]+(?:continued|cont['’]?d\.?|cont\.)$",
    re.IGNORECASE,
)
_NO_DESCRIPTION = re.compile(r"^\S*$|^\S+\.(?:png|jpe?g|gif|svg|emf|wmf)$|automatically generated", re.IGNORECASE)


def read_pptx(name: str, content: bytes, max_unpacked: int) -> ReadDocument:
    """Read a presentation; hidden slides are left out, pictures keep their alternative text only."""
    import pptx

    builder = DocumentBuilder(name)
    with open_archive(name, content, max_unpacked) as archive:
        known = core_properties(archive)
    builder.title, builder.attribution, builder.licence = known.title, known.creator, known.rights
    builder.language = primary(known.language)
    try:
        slides = list(pptx.Presentation(io.BytesIO(content)).slides)
        builder.pages = len(slides)
        hidden = [number for number, slide in enumerate(slides, 1) if slide._element.get("show") in ("0", "false")]
        title = ""
        for number, slide in enumerate(slides, 1):
            if number not in hidden:
                builder.page = number
                title = _add_slide(builder, slide, title)
    except Exception as error:  # python-pptx lets whatever its parsers raise through
        raise UnreadableDocument(
            name, f"the presentation is damaged ({error})", hint="Open it in its own program and save it again."
        ) from error
    if hidden:
        builder.warnings.append(f"hidden slides were left out: {', '.join(map(str, hidden))}")
    return builder.build()


def _add_slide(builder: DocumentBuilder, slide: Any, last_title: str) -> str:
    """Add a slide; return the title that now holds. A slide that continues the last one gets no heading of its own."""
    shapes = list(_shapes(slide))
    titles = (fold(shape.text_frame.text) for shape in shapes if _placeholder(shape) in _TITLES)
    title = _CONTINUED.sub("", next(filter(None, titles), ""))
    if title and title.lower() != last_title.lower():
        builder.heading(title, 1 if slide.slide_layout._element.get("type") in _CHAPTERS else 2)
    for shape in shapes:
        kind = _placeholder(shape)
        if kind not in _TITLES and kind not in _FURNITURE:
            _add_shape(builder, shape, kind)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame) is not None:
        for paragraph in frame.paragraphs:
            builder.add("note", fold(paragraph.text))
    return title or last_title


def _shapes(slide: Any) -> Iterator[Any]:
    """Yield the shapes in the order that screen readers follow, those of a group in its place."""
    waiting = list(reversed(slide.shapes))
    while waiting:
        shape = waiting.pop()
        if hasattr(shape, "shapes"):
            waiting += reversed(shape.shapes)
        else:
            yield shape


def _placeholder(shape: Any) -> str | None:
    """Return the type of placeholder that a shape fills ("" when it is the default one), None for any other shape."""
    found = shape._element.xpath("./*[1]/p:nvPr/p:ph")
    return found[0].get("type", "") if found else None


def _add_shape(builder: DocumentBuilder, shape: Any, kind: str | None) -> None:
    if shape.has_text_frame:
        body = shape.text_frame._txBody
        inherited = getattr(shape, "_base_placeholder", None)
        bodies = [body, inherited.text_frame._txBody] if inherited is not None else [body]
        add_text(builder, bodies, bulleted=kind in _LISTS)
    elif shape.has_table:
        rows = [row for row in _rows(shape.table) if any(row)]
        for part in table_parts(rows) if rows else ():
            builder.add("table", part)
    elif shape.has_chart:
        title = fold(shape.chart.chart_title.text_frame.text) if shape.chart.has_title else ""
        _add_figure(builder, shape, title or _description(shape))
    elif items := list(_diagram_items(shape)):
        builder.add("list", "\n".join(f"- {item}" for item in items))
    else:
        _add_figure(builder, shape, _description(shape))


def _description(shape: Any) -> str:
    found = fold(next(iter(shape._element.xpath("./*[1]/p:cNvPr/@descr")), ""))
    return "" if _NO_DESCRIPTION.search(found) else found


def _add_figure(builder: DocumentBuilder, shape: Any, text: str) -> None:
    """Add a picture or a chart by its text; one without any is counted unless it is there for looks. Lines go."""
    decorative = any(mark.get("val") in ("1", "true") for mark in shape._element.iter(DECORATIVE))
    if not text and not decorative and (shape.has_chart or shape._element.tag.endswith("}pic")):
        source = next(iter(shape._element.xpath("./p:blipFill/a:blip/@r:embed")), "")
        builder.lose_picture(str(shape.part.related_part(source).partname) if source else "")
    builder.add("figure", text)


def _rows(table: Any) -> list[list[str]]:
    """Return the cells; what a cell spans down to is repeated, so that every row reads by itself."""
    above: dict[tuple[int, int], str] = {}
    rows = []
    for number, row in enumerate(table.rows):
        texts = []
        for column, cell in enumerate(row.cells):
            text = above.get((number, column)) or fold(cell.text_frame.text)
            if cell.is_merge_origin:
                above |= {(number + down, column): text for down in range(1, cell.span_height)}
            texts.append(text)
        rows.append(texts)
    return rows


def _diagram_items(shape: Any) -> Iterator[str]:
    """Yield the texts of a SmartArt diagram, which stand in a part of their own."""
    from defusedxml.ElementTree import fromstring

    places = [one.get(_DIAGRAM_PLACE) for one in shape._element.iter(f"{_DIAGRAM}relIds")]
    for place in filter(None, places):
        root = fromstring(shape.part.related_part(place).blob)
        for point in root.iter(f"{_DIAGRAM}pt"):
            if text := fold(" ".join(piece.text or "" for piece in point.iter(f"{_A}t"))):
                yield text


__all__ = ["read_pptx"]
