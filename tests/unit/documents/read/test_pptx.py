"""PPTX: slides become pages with headings, lists, tables, listings and notes."""

import io
from typing import Any

import pytest
from pptx import Presentation
from pptx.util import Inches

from coursewright.documents.read import read
from coursewright.errors import UnreadableDocument
from tests.unit.documents.making import blocks, zipped

_TITLE, _CONTENT, _BLANK = 0, 1, 6  # layouts of the default template


def _slide(deck: Any, layout: int, title: str = "", lines: tuple[str, ...] = ()) -> Any:
    slide = deck.slides.add_slide(deck.slide_layouts[layout])
    if title:
        slide.shapes.title.text = title
    if lines:
        frame = slide.placeholders[1].text_frame
        frame.text = lines[0]
        for line in lines[1:]:
            paragraph = frame.add_paragraph()
            paragraph.text = line.lstrip(">")
            paragraph.level = len(line) - len(paragraph.text)
    return slide


def _saved(deck: Any) -> bytes:
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def test_slides_become_pages_with_headings_lists_and_notes() -> None:
    deck = Presentation()
    deck.core_properties.author = "Ada Example"
    deck.core_properties.comments = "licence: CC BY 4.0"
    _slide(deck, _TITLE, "Keeping bees", ("A course in two slides",))
    slide = _slide(deck, _CONTENT, "The hive", ("Boxes", ">Brood box", ">Super", "Roof"))
    slide.notes_slide.notes_text_frame.text = "Show the roof first.\nThen lift it."
    _slide(deck, _CONTENT, "The hive (cont.)", ("A floor closes the hive from below.",))
    document = read("bees.pptx", _saved(deck))
    assert (document.title, document.attribution, document.pages) == ("Keeping bees", "Ada Example", 3)
    assert blocks(document) == [
        ("heading", "Keeping bees"),
        ("paragraph", "A course in two slides"),
        ("heading", "The hive"),
        ("list", "- Boxes\n  - Brood box\n  - Super\n- Roof"),
        ("note", "Show the roof first."),
        ("note", "Then lift it."),
        ("paragraph", "A floor closes the hive from below."),
    ]
    assert [span.level for span in document.spans if span.kind == "heading"] == [1, 2]
    assert [span.page for span in document.spans] == [1, 1, 2, 2, 2, 2, 3]


def test_tables_text_boxes_groups_and_described_pictures() -> None:
    deck = Presentation()
    slide = _slide(deck, _BLANK)
    table = slide.shapes.add_table(3, 2, 0, 0, Inches(4), Inches(2)).table
    for number, text in enumerate(["Month", "Work", "May", "Swarm control", "", "Honey | wax"]):
        table.cell(number // 2, number % 2).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    group = slide.shapes.add_group_shape()
    box = group.shapes.add_textbox(0, 0, Inches(2), Inches(1))
    run = box.text_frame.paragraphs[0].add_run()
    run.text = "Every "
    bold = box.text_frame.paragraphs[0].add_run()
    bold.text, bold.font.bold = "smoker", True
    code = box.text_frame.paragraphs[0].add_run()
    code.text, code.font.name = " burn()", "Consolas"
    listing = slide.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.paragraphs[0].add_run()
    listing.text, listing.font.name = "open(hive)", "Courier New"
    shape = slide.shapes.add_connector(1, 0, 0, 1, 1)
    shape._element.nvCxnSpPr.cNvPr.set("descr", "An arrow from hive to honey")
    document = read("bees.pptx", _saved(deck))
    assert blocks(document) == [
        ("table", "| Month | Work |\n| --- | --- |\n| May | Swarm control |\n| May | Honey \\| wax |"),
        ("paragraph", "Every smoker `burn()`"),
        ("code", "open(hive)"),
        ("figure", "An arrow from hive to honey"),
    ]
    assert [(term.text, term.kind) for term in document.terms] == [("smoker", "strong")]


def test_a_long_table_repeats_its_header() -> None:
    deck = Presentation()
    table = _slide(deck, _BLANK).shapes.add_table(60, 1, 0, 0, Inches(4), Inches(2)).table
    for number in range(60):
        table.cell(number, 0).text = (
            f"Row {number}: a frame of honey and wax, lifted out of the box" if number else "Work"
        )
    tables = [text for _, text in blocks(read("bees.pptx", _saved(deck)))]
    assert len(tables) > 1
    assert all(text.startswith("| Work |\n| --- |\n| Row ") for text in tables)
    assert sum(text.count("a frame of honey") for text in tables) == 59


def test_numbered_lists_count_and_begin_anew() -> None:
    from pptx.oxml.ns import qn

    deck = Presentation()
    slide = _slide(deck, _CONTENT, "Steps", ("Open", "Lift", "So far the bees are calm.", "Close"))
    for number, paragraph in enumerate(slide.placeholders[1].text_frame.paragraphs):
        mark = paragraph._p.get_or_add_pPr().makeelement(qn("a:buNone" if number == 2 else "a:buAutoNum"), {})
        paragraph._p.get_or_add_pPr().append(mark)
    assert blocks(read("bees.pptx", _saved(deck)))[1:] == [
        ("list", "1. Open\n2. Lift"),
        ("paragraph", "So far the bees are calm."),
        ("list", "1. Close"),
    ]


def test_leaves_out_hidden_slides_and_says_so() -> None:
    deck = Presentation()
    _slide(deck, _CONTENT, "Shown", ("A hive has boxes.",))
    _slide(deck, _CONTENT, "Hidden", ("A secret.",))._element.set("show", "0")
    document = read("bees.pptx", _saved(deck))
    assert "secret" not in document.text
    assert document.warnings == ("hidden slides were left out: 2",)


def test_a_damaged_presentation_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="damaged"):
        read("bees.pptx", zipped({"ppt/presentation.xml": "<x/>"}))
    with pytest.raises(UnreadableDocument, match="no text"):
        read("bees.pptx", _saved(Presentation()))


def test_an_empty_table_and_a_chart_without_title_say_nothing() -> None:
    from pptx.chart import data as chart_data
    from pptx.enum.chart import XL_CHART_TYPE

    deck = Presentation()
    slide = _slide(deck, _BLANK)
    slide.shapes.add_table(2, 2, 0, 0, Inches(4), Inches(2))
    slide.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = "Bees fly."
    numbers: Any = vars(chart_data)["CategoryChartData"]()
    numbers.categories = ["May", "June"]
    numbers.add_series("Hives", (1, 2))
    for title in ("", "Hives by month"):
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(2), Inches(1), numbers).chart
        chart.chart_title.text_frame.text = title
    assert blocks(read("bees.pptx", _saved(deck))) == [
        ("paragraph", "Bees fly."),
        ("figure", "Hives by month"),
    ]
