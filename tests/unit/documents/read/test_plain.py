"""Plain text: what stands alone above a paragraph is a heading, what merely is short is not; names become titles."""

import pytest

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import title_from_name
from coursewright.documents.read.plain import read_plain

BODY = "The chain carries the force from the ring to the sprocket. It is oiled on its inner side."


def _headings(text: str) -> list[tuple[int, str]]:
    read: ReadDocument = read_plain("notes.txt", text.encode())
    return [(span.level, read.text[span.start : span.end]) for span in read.spans if span.kind == "heading"]


def test_short_lines_alone_are_the_title_and_the_headings() -> None:
    text = f"The drive\n\nThe chain\n\n{BODY}\n\n{BODY}\n\nHow is it oiled?\n\n{BODY}\n"
    assert _headings(text) == [(1, "The drive"), (2, "The chain"), (2, "How is it oiled?")]
    assert _headings(f"Der Antrieb\n\n{BODY}") == [(1, "Der Antrieb")]


@pytest.mark.parametrize(
    "line",
    [
        "Oil it.",
        "it goes on",
        "    Point = named('Point')",
        "Fixed an error of the menu. (Acevedo)",
        "Dear friends,",
        "A line that is far too long to stand above anything at all, even here",
        "- an item",
    ],
)
def test_other_short_lines_are_text(line: str) -> None:
    assert _headings(f"{BODY}\n\n{line}\n\n{BODY}") == []


def test_a_short_line_above_nothing_but_another_is_text() -> None:
    assert _headings(f"{BODY}\n\nOne line\n\nAnother line\n\nA third") == []


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("03-antrieb.txt", "Antrieb"),
        ("folder/1_user_guide-v2.pdf", "User guide v2"),
        ("2024-report.csv", "2024 report"),
        ("3d-printing.txt", "3d printing"),
        ("07-08-2024.txt", "07 08 2024"),
    ],
)
def test_a_document_without_a_title_is_called_by_its_name(name: str, title: str) -> None:
    assert title_from_name(name) == title
