"""What holds for every format: passages are verbatim, lose nothing, and know where they stand."""

import csv
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read import read
from coursewright.documents.split import split
from tests.unit.documents.making import zipped


@dataclass(frozen=True)
class Part:
    """A section: its heading, paragraphs of so many sentences, list items, table rows. Every sentence is unique."""

    number: int
    paragraphs: tuple[int, ...]
    items: int
    rows: int

    @property
    def heading(self) -> str:
        return f"Hive number {self.number}"

    def sentences(self, paragraph: int) -> str:
        count = self.paragraphs[paragraph]
        return " ".join(f"The bees of box {self.number}x{paragraph}x{n} bring nectar home." for n in range(count))

    @property
    def texts(self) -> list[str]:
        return [self.sentences(n) for n in range(len(self.paragraphs))]

    @property
    def list_items(self) -> list[str]:
        return [f"Frame {self.number}y{n} is full" for n in range(self.items)]

    @property
    def table(self) -> list[tuple[str, str]]:
        return [("Plant", "What bees find"), *((f"Plant {self.number}z{n}", "Nectar") for n in range(self.rows))]


def _parts() -> st.SearchStrategy[list[Part]]:
    sections = st.tuples(
        st.lists(st.integers(1, 40), min_size=1, max_size=2).map(tuple), st.integers(0, 30), st.integers(0, 110)
    )
    return st.lists(sections, min_size=1, max_size=3).map(lambda found: [Part(n, *one) for n, one in enumerate(found)])


def _markdown(parts: list[Part]) -> bytes:
    text = ""
    for part in parts:
        text += f"# {part.heading}\n\n" + "\n\n".join(part.texts) + "\n\n"
        text += "".join(f"- {item}\n" for item in part.list_items) + "\n"
        if part.rows:
            head, *rows = part.table
            text += f"| {head[0]} | {head[1]} |\n|---|---|\n" + "".join(f"| {a} | {b} |\n" for a, b in rows) + "\n"
    return text.encode()


def _html(parts: list[Part]) -> str:
    html = ""
    for part in parts:
        html += f"<h1>{part.heading}</h1>" + "".join(f"<p>{text}</p>" for text in part.texts)
        html += "<ul>" + "".join(f"<li>{item}</li>" for item in part.list_items) + "</ul>"
        if part.rows:
            html += "<table>" + "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in part.table) + "</table>"
    return f"<html><body>{html}</body></html>"


def _text(parts: list[Part]) -> bytes:
    text = ""
    for part in parts:
        text += f"{part.heading}\n{'=' * 20}\n\n" + "\n\n".join(part.texts) + "\n\n"
        text += "\n".join(f"- {item}" for item in part.list_items) + "\n\n"
        text += "\n\n".join(f"{a}: {b}." for a, b in part.table) + "\n\n"
    return text.encode("utf-16")


def _docx(parts: list[Part]) -> bytes:
    from docx import Document

    word = Document()
    for part in parts:
        word.add_heading(part.heading, 1)
        for text in part.texts:
            word.add_paragraph(text)
        for item in part.list_items:
            word.add_paragraph(item, style="List Bullet")
        if part.rows:
            table = word.add_table(len(part.table[:30]), 2)
            for row, cells in zip(table.rows, part.table[:30], strict=True):
                row.cells[0].text, row.cells[1].text = cells
            for a, b in part.table[30:]:
                word.add_paragraph(f"{a}: {b}.")
    buffer = io.BytesIO()
    word.save(buffer)
    return buffer.getvalue()


def _pptx(parts: list[Part]) -> bytes:
    from pptx import Presentation

    deck = Presentation()
    for part in parts:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = part.heading
        slide.placeholders[1].text_frame.text = "\n".join(part.texts)
        slide.notes_slide.notes_text_frame.text = "\n".join(part.list_items)
        if part.rows:
            table = slide.shapes.add_table(len(part.table), 2, 0, 0, 100, 100).table
            for n, (a, b) in enumerate(part.table):
                table.cell(n, 0).text, table.cell(n, 1).text = a, b
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def _epub(parts: list[Part]) -> bytes:
    names = [f"{part.number}.xhtml" for part in parts]
    items = "".join(f'<item id="i{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="i{name}"/>' for name in names)
    package = f"<package><metadata/><manifest>{items}</manifest><spine>{spine}</spine></package>"
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    pages = {name: _html([part]) for name, part in zip(names, parts, strict=True)}
    return zipped({"META-INF/container.xml": container, "book.opf": package} | pages)


def _pdf(parts: list[Part]) -> bytes:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import ListFlowable, Paragraph, SimpleDocTemplate

    styles = getSampleStyleSheet()
    story = []
    for part in parts:
        story.append(Paragraph(part.heading, styles["Heading1"]))
        story += [Paragraph(text, styles["BodyText"]) for text in part.texts]
        if part.items:
            flow = [Paragraph(item, styles["BodyText"]) for item in part.list_items]
            story.append(ListFlowable(flow, bulletType="bullet"))
        story += [Paragraph(f"{a}: {b}.", styles["BodyText"]) for a, b in part.table]
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer).build(story)
    return buffer.getvalue()


def _xlsx(parts: list[Part]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for part in parts:
        sheet = book.create_sheet(part.heading)
        for text in (*part.texts, *part.list_items):
            sheet.append([text])
        sheet.append([])
        for row in part.table:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _csv(parts: list[Part]) -> bytes:
    buffer = io.StringIO()
    rows = [(text, item) for part in parts for text in part.texts for item in (*part.list_items, "none")]
    csv.writer(buffer, delimiter=";").writerows([("Text", "Item"), *rows])
    return buffer.getvalue().encode()


def _vtt(parts: list[Part]) -> bytes:
    cues = [text for part in parts for text in (part.heading, *part.texts, *part.list_items)]
    times = (f"{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000" for n in range(len(cues) + 1))
    begin = next(times)
    text = "WEBVTT\n\n"
    for cue, end in zip(cues, times, strict=True):
        text += f"{begin} --> {end}\n<v Ada>{cue}\n\n"
        begin = end
    return text.encode()


def _srt(parts: list[Part]) -> bytes:
    blocks = _vtt(parts).decode().split("\n\n")[1:-1]
    return "\n\n".join(f"{n}\n{block.replace('.000', ',000')}" for n, block in enumerate(blocks)).encode()


_MAKERS: dict[str, Callable[[list[Part]], bytes]] = {
    "md": _markdown,
    "html": lambda parts: _html(parts).encode(),
    "txt": _text,
    "docx": _docx,
    "pptx": _pptx,
    "epub": _epub,
    "pdf": _pdf,
    "xlsx": _xlsx,
    "csv": _csv,
    "vtt": _vtt,
    "srt": _srt,
}


@pytest.mark.parametrize("extension", _MAKERS)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(parts=_parts())
def test_passages_of_every_format(extension: str, parts: list[Part]) -> None:
    name = f"folder/bees.{extension}"
    document = read(name, _MAKERS[extension](parts))
    passages = split(document, name)
    end = page = 0
    for number, passage in enumerate(passages):
        assert (passage.document, passage.ordinal, passage.title) == (name, number, document.title)
        assert passage.text == document.text[passage.start : passage.end]
        assert passage.sha256 == hashlib.sha256(passage.text.encode()).hexdigest()
        assert passage.start >= end
        end = passage.end
        assert passage.heading_path == _path(document, passage.start)
        assert passage.language in ("en", "")
        assert passage.page is None or page <= passage.page <= (document.pages or 0)
        page = passage.page or 0
        assert (passage.page is None) == (extension not in ("pdf", "pptx"))
        assert (passage.time_code is None) == (extension not in ("vtt", "srt"))
        for span in passage.spans:
            assert 0 <= span.start < span.end <= len(passage.text)
            assert passage.text[span.start : span.end].strip()
    assert len({passage.id for passage in passages}) == len(passages)
    read_again = split(read(name, _MAKERS[extension](parts)), name)
    assert [passage.id for passage in read_again] == [passage.id for passage in passages]
    said = " ".join(" ".join(passage.text.split()) for passage in passages)
    for part in parts:
        for text in part.texts:
            for n in range(text.count("The bees")):
                assert f"x{n} bring nectar home." in said
            assert text.split(".")[0] in said
        for item in part.list_items:
            assert item in said
        if extension not in ("csv", "vtt", "srt"):
            assert part.heading in said
            assert all(a in said for a, _ in part.table[1:])


def _path(document: ReadDocument, start: int) -> tuple[str, ...]:
    """Return the headings that hold at a place, worked out from the levels alone."""
    path: list[tuple[int, str]] = []
    for span in document.spans:
        if span.kind == "heading" and span.start <= start:
            path = [each for each in path if each[0] < span.level]
            path.append((span.level, document.text[span.start : span.end]))
    return tuple(title for _, title in path)
