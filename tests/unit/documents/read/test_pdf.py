"""PDF: what typesetting adds is taken away again, and nothing else."""

import io

import pytest
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate

from coursewright.documents.read import read
from coursewright.documents.reading import SourceFile, read_files
from coursewright.settings import DocumentSettings
from tests.unit.documents.making import blocks

_WIDTH, _HEIGHT = 595, 842


class _Pages:
    """A PDF that is drawn line by line."""

    def __init__(self, width: int = _WIDTH, height: int = _HEIGHT) -> None:
        self._buffer = io.BytesIO()
        self.canvas = Canvas(self._buffer, pagesize=(width, height))
        self._height = height

    def line(self, top: float, *runs: str, left: float = 72, size: float = 10) -> None:
        """Write runs one after the other: `~code`, `*bold`, else Roman."""
        text = self.canvas.beginText(left, self._height - top)
        for run in runs:
            font = {"~": "Courier", "*": "Helvetica-Bold"}.get(run[0], "Helvetica")
            text.setFont(font, size)
            text.textOut(run.lstrip("~*"))
        self.canvas.drawText(text)

    def end_page(self) -> None:
        self.canvas.showPage()

    def saved(self) -> bytes:
        self.canvas.save()
        return self._buffer.getvalue()


def test_running_headers_go_and_lines_that_look_alike_stay() -> None:
    styles = getSampleStyleSheet()
    buffer = io.BytesIO()

    def header(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.drawString(72, 800, f"The bee book, page {document.page}")
        canvas.drawString(290, 30, str(document.page))

    story = [Paragraph(f"Plant {n} gives nectar.", styles["BodyText"]) for n in range(150)]
    SimpleDocTemplate(buffer).build(story, onFirstPage=header, onLaterPages=header)
    document = read("bees.pdf", buffer.getvalue())
    assert (document.pages or 0) > 3
    assert "bee book" not in document.text
    assert all(f"Plant {n} gives nectar." in document.text for n in range(150))


@pytest.mark.slow
async def test_thousands_of_pages_are_read_within_the_limits() -> None:
    pages = _Pages()
    for number in range(1, 2_416):
        pages.line(72, f"*Plant {number}", size=16)
        for row in range(30):
            pages.line(100 + 14 * row, f"Plant {number} gives nectar in week {row} of the year, and bees know it well.")
        pages.end_page()
    (outcome,) = [each async for each in read_files([SourceFile("plants.pdf", pages.saved())], DocumentSettings())]
    assert outcome.document, outcome.error
    assert (outcome.document.pages, outcome.document.warnings) == (2_415, ())
    assert {passage.page for passage in outcome.passages} == set(range(1, 2_416))
    assert outcome.passages[-1].heading_path == ("Plant 2415",)


def test_code_in_sentences_is_marked_as_far_as_it_goes() -> None:
    pages = _Pages()
    pages.line(
        100, "The function ", "~open()", ", like all of ", "~hive.py", "-files, needs (", "~root", ") and ends here"
    )
    pages.line(112, "~sudo make", " when it is called by somebody who has the right to do so at all.")
    pages.line(140, "~def open(hive):")
    pages.line(152, "~    return hive.lift()")
    assert blocks(read("code.pdf", pages.saved())) == [
        (
            "paragraph",
            "The function `open()`, like all of `hive.py`-files, needs (`root`) and ends here `sudo make` when it is "
            "called by somebody who has the right to do so at all.",
        ),
        ("code", "def open(hive):\n    return hive.lift()"),
    ]


def test_nested_lists_keep_their_levels() -> None:
    pages = _Pages()
    for top, left, text in [
        (100, 72, "• Boxes"), (112, 92, "– Brood box"), (124, 92, "– Super, which"), (136, 101, "holds honey"),
        (148, 72, "• Roof"),
    ]:  # fmt: skip
        pages.line(top, text, left=left)
    assert blocks(read("list.pdf", pages.saved())) == [
        ("list", "- Boxes\n  - Brood box\n  - Super, which holds honey\n- Roof")
    ]


def test_bare_numbers_that_count_items_make_a_list_and_others_do_not() -> None:
    pages = _Pages()
    for top, left, text in [
        (100, 72, "1"), (100, 90, "Lift the lid and set it"), (112, 90, "on the ground."), (124, 72, "2"),
        (124, 90, "Close the hive again."), (160, 72, "In a year of swarms a hive has lost more than"),
        (172, 72, "1 queen and two of its drones, as the book of"), (184, 72, "the keeper says in the end."),
    ]:  # fmt: skip
        pages.line(top, text, left=left)
    assert blocks(read("list.pdf", pages.saved())) == [
        ("list", "1. Lift the lid and set it on the ground.\n2. Close the hive again."),
        (
            "paragraph",
            "In a year of swarms a hive has lost more than 1 queen and two of its drones, as the book of the keeper "
            "says in the end.",
        ),
    ]


def test_hyphens_of_the_typesetter_go_and_those_of_the_author_stay() -> None:
    pages = _Pages()
    text = [
        "The honey bee lives in a hive, and a well-known bee-",
        "keeper opens it. The worker is of the sub-",
        "Saharan kind; input-",
        "and output are counted at the bottom board, which is well-",
        "known as well.",
    ]
    for number, line in enumerate(text):
        pages.line(100 + 12 * number, line)
    read_text = read("hyphens.pdf", pages.saved()).text
    assert "well-known beekeeper opens" in read_text
    assert "sub-Saharan kind; input- and output" in read_text
    assert read_text.endswith("which is well-known as well.")


def test_slides_get_their_titles_though_the_outline_names_only_some() -> None:
    pages = _Pages(360, 270)
    for number in range(1, 6):
        pages.canvas.bookmarkPage(str(number))
        if number == 1:
            pages.canvas.addOutlineEntry("Slide 1", "1", 0)
        pages.line(30, f"*Slide {number}", size=17, left=12)
        pages.line(80, f"▶ {'bees ' * number} fly by day and rest by night in their hive", left=16)
        pages.line(260, f"A talk on bees {number}/5", left=250, size=6)
        pages.end_page()
    document = read("slides.pdf", pages.saved())
    assert [text for kind, text in blocks(document) if kind == "heading"] == [f"Slide {n}" for n in range(1, 6)]
    assert "talk on bees" not in document.text


def test_an_index_and_the_words_of_a_drawing_are_no_text() -> None:
    pages = _Pages()
    pages.line(100, "The hive is described in full, and figure 1 shows it as it stands in the garden.")
    pages.line(200, "roof", left=200)
    pages.line(240, "brood box", left=220)
    pages.line(300, "Figure 1: A hive with its roof", left=150)
    pages.end_page()
    for number in range(30):
        pages.line(100 + 12 * number, f"bee word {number}, {number + 3}, {number + 20}")
    found = blocks(read("index.pdf", pages.saved()))
    assert found == [
        ("paragraph", "The hive is described in full, and figure 1 shows it as it stands in the garden."),
        ("figure", "Figure 1: A hive with its roof"),
    ]


def test_the_first_page_gives_the_title_where_the_properties_do_not() -> None:
    pages = _Pages()
    pages.line(100, "Keeping Bees", size=24)
    pages.line(140, "A book for beginners who want to keep bees in their own garden, whatever its size.")
    assert read("untitled.pdf", pages.saved()).title == "Keeping Bees"


def test_a_running_title_with_the_page_number_goes_though_it_changes() -> None:
    pages = _Pages()
    for number in range(1, 9):
        pages.line(50, f"{number + 10} topic {'abcdefgh'[number - 1] * 3}")
        pages.line(62, f"The bees of the {'abcdefgh'[number - 1]}{'o' * number} hive bring nectar home.")
        pages.end_page()
    document = read("manual.pdf", pages.saved())
    assert "topic" not in document.text
    assert document.text.count("bring nectar home.") == 8


def test_a_bookmark_whose_title_goes_on_stands_where_it_points_to() -> None:
    pages = _Pages()
    pages.line(100, "The end of what came before stands here in full.")
    pages.canvas.bookmarkPage("t", fit="XYZ", left=72, top=_HEIGHT - 140)
    pages.canvas.addOutlineEntry("tabulate", "t", 0)
    pages.line(150, "~tabulate", " Counting and More")
    pages.line(200, "This counts how often each number occurs in a row of numbers.")
    pages.line(220, "~tabulate(", "~x)")
    assert blocks(read("manual.pdf", pages.saved())) == [
        ("paragraph", "The end of what came before stands here in full."),
        ("heading", "tabulate Counting and More"),
        ("paragraph", "This counts how often each number occurs in a row of numbers."),
        ("paragraph", "`tabulate(x)`"),
    ]
