"""Pictures of every format: they travel by their alternative text, or it is said how many were left out."""

import io
from typing import Any

import pytest
from docx import Document
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from PIL import Image
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read import read
from coursewright.documents.read.properties import DECORATIVE
from tests.unit.documents.making import blocks, zipped

_TEXT = "A hive is the home of a colony of bees, and the keeper looks after it all the year."
_ONE = ("1 picture was left out: no alternative text describes it",)


def _several(number: int) -> tuple[str, ...]:
    return (f"{number} pictures were left out: no alternative text describes them",)


def _png(shade: int = 0) -> io.BytesIO:
    buffer = io.BytesIO()
    Image.new("L", (40, 30), shade).save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def _figures(document: ReadDocument) -> list[str]:
    return [text for kind, text in blocks(document) if kind == "figure"]


def _saved(made: Any) -> bytes:
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("html", "lost"),
    [
        ("<img src=a.png>", 1),
        ('<img src=a.png alt="">', 1),
        ("<p><img src=a.png alt=Hive></p>", 1),  # one word alone in its paragraph
        ("<figure><img src=a.png><img src=b.png></figure>", 2),
        ("<table><tr><th>Kind<th>Look<tr><td>Drone<td><img src=a.png></table>", 1),
        ('<table><tr><th>Kind<th>Look<tr><td>Drone<td><img src=a.png alt="a drone"></table>', 1),
        ('<object data="a.svg" type="image/svg+xml">A text for old browsers</object>', 1),
        ('<svg role="img" viewBox="0 0 300 200"></svg>', 1),
        ('<svg viewBox="0 0 300 200"></svg><svg viewBox="0 0 24 24"></svg><svg></svg>', 1),
        ("<img src=a.png><p>Once more:</p><img src=a.png>", 1),
        ("<figure><img src=a.png><figcaption>A hive</figcaption></figure>", 0),
        ('<img src=a.png alt="" role="presentation"><img src=a.gif width=1 height=1>', 0),
        ("<p>Take the smoker <img src=a.png alt=Note> along.</p><h2><img src=a.png alt=Hive> Hives</h2>", 0),
        ('<p><a href="x"><img src=build.svg alt=build></a></p>', 0),
        ('<div class="note"><img src=note.png alt="[Note]"><p>Wear gloves.</p></div>', 0),
        ('<nav><img src=a.png></nav><object data="film.swf"></object>', 0),
    ],
)
def test_html(html: str, lost: int) -> None:
    document = read("a.html", f"<body><p>{_TEXT}</p>{html}".encode())
    assert document.warnings == ({0: (), 1: _ONE}[lost] if lost < 2 else _several(lost))


def test_described_drawings_of_a_page_travel() -> None:
    html = f"""<p>{_TEXT}</p><svg role="img" viewBox="0 0 300 200"><title>A hive cut open</title><text>x</text></svg>
    <svg role="img" width="300" aria-label="A smoker, lit"></svg>
    <object type="image/svg+xml" data="a.svg"><img src="a.png" alt="The year of a hive"></object>"""
    document = read("a.html", html.encode())
    assert _figures(document) == ["A hive cut open", "A smoker, lit", "The year of a hive"]
    assert document.warnings == ()


def test_markdown_and_epub() -> None:
    assert read("a.md", f"{_TEXT}\n\n![](a.png)\n\n![Hive](b.png)".encode()).warnings == _several(2)
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    package = """<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>
    <item id="b" href="b.xhtml" media-type="application/xhtml+xml"/></manifest>
    <spine><itemref idref="a"/><itemref idref="b"/></spine></package>"""
    page = f"<html><body><p>{_TEXT}</p><img src='a.png'/></body></html>"
    book = {
        "META-INF/container.xml": container,
        "b.opf": package,
        "a.xhtml": page,
        "b.xhtml": page.replace("a.png", "b.png"),
    }
    assert read("a.epub", zipped({"mimetype": "application/epub+zip", **book})).warnings == _several(2)


def test_word() -> None:
    word = Document()
    word.add_paragraph(_TEXT)
    shapes = [word.add_picture(_png(shade))._inline.docPr for shade in range(3)]
    shapes[0].set("descr", "A hive with its roof on")
    shapes[1].append(shapes[1].makeelement(DECORATIVE, {"val": "1"}))
    document = read("a.docx", _saved(word))
    assert _figures(document) == ["A hive with its roof on"]
    assert document.warnings == _ONE


def test_slides() -> None:
    deck = Presentation()
    for _ in range(2):
        slide = deck.slides.add_slide(deck.slide_layouts[6])
        slide.shapes.add_textbox(0, 0, Inches(4), Inches(1)).text_frame.text = _TEXT
        pictures = [slide.shapes.add_picture(_png(shade), 0, 0) for shade in range(3)]
        for picture, described in zip(pictures, ("A hive with its roof on", "image1.png", ""), strict=True):
            picture._element.nvPicPr.cNvPr.set("descr", described)
        named = pictures[2]._element.nvPicPr.cNvPr
        named.append(named.makeelement(DECORATIVE, {"val": "1"}))
    figures: Any = CategoryChartData()  # type: ignore[no-untyped-call]  # python-pptx has no types
    figures.categories = ["May"]
    figures.add_series("Hives", [3])
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, 1, 1, figures).chart.has_title = False
    document = read("a.pptx", _saved(deck))
    assert _figures(document) == ["A hive with its roof on"] * 2
    assert document.warnings == _several(2)  # the chart, and a picture that two slides show


def test_a_workbook() -> None:
    book = Workbook()
    for row in (["Month", "Work"], ["May", "Look for swarm cells"], ["June", "Take the honey off"]):
        book.active.append(row)
    chart = BarChart()
    chart.add_data(Reference(book.active, min_col=1, min_row=1, max_row=2))
    book.active.add_chart(chart)
    assert read("a.xlsx", _saved(book)).warnings == _ONE


def _pdf(*pages: list[tuple[float, float, float, float]], caption: str = "", mute: tuple[int, ...] = ()) -> bytes:
    """Return a PDF with pictures (left, bottom, width, height) on its pages; `mute` ones hold no text."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(600, 800))
    for number, pictures in enumerate(pages):
        for box in pictures:
            canvas.drawImage(ImageReader(_png(number)), *box)
        if number not in mute:
            for line in range(4):
                canvas.drawString(72, 700 - 14 * line, f"Page {number}, line {line}: {_TEXT[:60]}")
            canvas.drawString(72, 120, caption)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_pictures_of_a_pdf_are_counted_beyond_captions_and_logos() -> None:
    logo, picture, scan = (10.0, 750.0, 110.0, 110.0), (100.0, 200.0, 300.0, 200.0), (0.0, 0.0, 600.0, 800.0)
    ornament = (100.0, 500.0, 30.0, 30.0)
    assert read("a.pdf", _pdf([logo, picture, ornament], [logo], [logo, scan])).warnings == _ONE
    assert read("a.pdf", _pdf([picture], caption="Figure 1: A hive with its roof")).warnings == ()


def test_a_page_of_a_pdf_without_text_is_named_if_there_is_something_to_see() -> None:
    scan = (0.0, 0.0, 600.0, 800.0)
    text: list[tuple[float, float, float, float]] = []
    assert read("a.pdf", _pdf(text, text, [scan], mute=(1, 2))).warnings == (
        "page 3 of 3 shows a picture and no text (scanned?)",
    )
    assert read("a.pdf", _pdf(text, [scan], text, [scan], mute=(1, 3))).warnings == (
        "2 of 4 pages show pictures and no text (scanned?), the first is page 2",
    )
