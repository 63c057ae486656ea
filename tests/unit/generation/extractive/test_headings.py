"""Headings inside a section: where passages of several headings are merged, each heading stands before its blocks."""

import pytest

from coursewright.course.plan import CourseRequest
from coursewright.course.walk import is_sub_heading
from coursewright.documents.passages import Passage
from coursewright.documents.read import read
from coursewright.documents.split import split
from tests.unit.generation.extractive.test_course import Made

MANUAL = """# 3. Tools

## 3.1 The smoker

A smoker glows and gives cool white smoke for a quarter of an hour.

## 3.2 The `hive tool`

A hive tool loosens boxes that the bees have glued together with resin.

### 3.2.1. Care

Scrape it clean and boil it in soda after a visit to a sick colony.
"""


def _passages(text: str) -> list[Passage]:
    return split(read("tools.md", text.encode()), "tools.md")


def _shown(made: Made) -> list[tuple[str, bool]]:
    return [
        (block.text, is_sub_heading(block, made.passages[block.citations[0].passage_id].heading_path))
        for section in made.sections
        for block in section.blocks
    ]


def test_merged_passages_keep_their_headings_without_numbers() -> None:
    made = Made(_passages(MANUAL), CourseRequest(modules=1, lessons=1, sections=1))
    assert [text for text, heading in _shown(made) if heading] == ["The smoker", "The `hive tool`", "Care"]
    assert [text[:12] for text, heading in _shown(made) if not heading] == [
        "A smoker glo",
        "A hive tool ",
        "Scrape it cl",
    ]
    for section in made.sections:
        for block in section.blocks:
            assert block.kind == "paragraph"
            assert block.text in made.passages[block.citations[0].passage_id].text
            assert block.citations[0].quote == block.text


def test_a_heading_that_is_the_sections_title_is_not_said_again() -> None:
    made = Made(_passages("# The smoker\n\nA smoker glows and gives cool white smoke for a quarter of an hour."))
    assert [section.title for section in made.sections] == ["The smoker"]
    assert [heading for _, heading in _shown(made)] == [False]


def test_a_heading_in_another_language_is_left_out() -> None:
    german = (
        "# Werkzeug\n\nDer Stockmeißel löst die Kästen, die von den Bienen mit Harz verklebt worden sind.\n\n"
        "## What you should know about the care of the tools\n\n"
        "Der Smoker gibt eine Viertelstunde lang kühlen weißen Rauch, wenn er mit Holz gefüllt wird.\n\n"
        "## Pflege der Geräte\n\nDie Geräte werden nach dem Besuch eines kranken Volkes in Soda ausgekocht.\n"
    )
    made = Made(_passages(german), CourseRequest(modules=1, lessons=1, sections=1, language="de"))
    assert [text for text, heading in _shown(made) if heading] == ["Pflege der Geräte"]


def test_parts_of_the_lessons_own_title_are_no_branches_of_its_mind_map() -> None:
    told = " ".join(f"The keeper looks at frame number {number} of the hive in May." for number in range(60))
    made = Made(
        _passages(f"# The smoker\n\nA **smoker** is a tin that gives smoke. The smoker. A smoker.\n\n{told}\n\n{told}"),
        CourseRequest(modules=1, lessons=1, sections=3),
    )
    assert [section.title for section in made.sections] == ["The smoker", "The smoker (2)", "The smoker (3)"]
    (mind_map,) = made.maps
    assert mind_map.topic == "The smoker"
    assert [branch.title for branch in mind_map.branches] == ["smoker"]


@pytest.mark.parametrize("text", ["A smoker glows and gives cool white smoke for a quarter of an hour.", "Smoke"])
def test_a_paragraph_that_is_not_the_heading_of_its_passage_is_none(text: str) -> None:
    made = Made(_passages(f"# The smoker\n\n{text}\n\nIt is lit with dry hay, or with wood, for the whole visit."))
    assert [heading for _, heading in _shown(made)] == [False, False]
