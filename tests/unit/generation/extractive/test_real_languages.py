"""Whole courses from real translated documents: one language in every field, verbatim, and no question twice.

The handbook's translations are 24-45 % English. `scripts/fetch_documents.sh` fetches the documents.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coursewright.course.plan import CourseRequest, Outline
from coursewright.documents.passages import Passage
from coursewright.documents.read import read
from coursewright.documents.split import split
from coursewright.generation.authors.extractive.tongue import reads_as
from tests.unit.generation.extractive.test_course import Made

DOCUMENTS = Path(__file__).parents[4] / ".cache" / "documents"
HANDBOOK = "debian-handbook/usr/share/doc/debian-handbook/html/"
REFERENCE = "debian-reference-{0}/usr/share/debian-reference/debian-reference.{0}.pdf"
SOURCES = {
    **{f"handbook-{tag[:2]}": HANDBOOK + tag for tag in ("de-DE", "fr-FR", "es-ES", "ja-JP", "ar-MA")},
    **{f"reference-{language}": REFERENCE.format(language) for language in ("de", "fr", "ja")},
    "live-manual-es": "live-manual-epub/usr/share/doc/live-manual/epub/live-manual.es.epub",
}
LONG = 60  # letters of a text whose language can be told for sure

pytestmark = [pytest.mark.real_documents, pytest.mark.slow]


def read_passages(place: Path) -> Iterator[Passage]:
    count = 0
    for file in [place] if place.is_file() else sorted(place.rglob("*.html")):
        for passage in split(read(file.name, file.read_bytes()), file.name, count):
            count += 1
            yield passage


@pytest.fixture(scope="module", params=SOURCES)
def made(request: pytest.FixtureRequest) -> tuple[str, Made]:
    place = DOCUMENTS / SOURCES[request.param]
    if not place.exists():
        pytest.skip(f"{place} is not there: run scripts/fetch_documents.sh")
    name: str = request.param
    language = name.rsplit("-", 1)[1]
    return language, Made(list(read_passages(place)), CourseRequest(language=language))


def titles(outline: Outline) -> Iterator[str]:
    yield outline.title
    for module in outline.modules:
        yield module.title
        for lesson in module.lessons:
            yield lesson.title
            yield from (section.title for section in lesson.sections)


def told(made: Made) -> Iterator[str]:
    """Yield every text of the course that is prose, longer ones cut into their sentences' lines."""
    for section in made.sections:
        yield section.summary
        for block in section.blocks:
            if block.kind in ("paragraph", "note"):
                yield block.text
            elif block.kind == "list":
                yield from re.split(r"\n(?=[-*•] )", block.text)
        for concept in section.key_concepts:
            if not re.fullmatch(r"[\x00-\x7f\u200e\u200f]+", concept.explanation):  # what an acronym stands for
                yield concept.explanation
    for script in made.scripts:
        yield from (segment.text for segment in script.segments)
    for question in made.questions:
        yield question.stem
        yield from (option.text for option in question.options)


def test_every_text_is_in_the_language_of_the_course(made: tuple[str, Made]) -> None:
    language, course = made
    long = [text for text in told(course) if sum(map(str.isalpha, text)) >= LONG]
    assert len(long) > 100
    assert [text for text in long if not reads_as(text, language)] == []


def test_nearly_every_title_is_in_the_language_of_the_course(made: tuple[str, Made]) -> None:
    """A heading whose parents are untranslated too keeps its words: better than no title."""
    language, course = made
    shown = list(titles(course.outline))
    foreign = [title for title in shown if not reads_as(title, language)]
    assert len(foreign) <= 0.02 * len(shown), foreign


def test_everything_is_verbatim_and_no_question_stands_twice(made: tuple[str, Made]) -> None:
    _, course = made
    for section in course.sections:
        for block in section.blocks:
            assert block.text in course.passages[block.citations[0].passage_id].text
    stems = [question.stem.casefold() for question in course.questions]
    assert len(stems) == len(set(stems)) > 10
    for question in course.questions:
        for citation in question.citations:
            assert citation.quote in course.passages[citation.passage_id].text


def test_marks_are_those_of_the_language(made: tuple[str, Made]) -> None:
    language, course = made
    stems = [question.stem for question in course.questions]
    if language == "es":
        assert all(stem.count("¿") == stem.count("?") for stem in stems)
    if language == "fr":
        asked = [stem for stem in stems if stem.endswith("?")]
        assert asked
        assert all(stem.endswith("\u202f?") for stem in asked)
    if language == "ja":
        assert all(stem.endswith(("。", "」")) for stem in stems)
    if language == "ar":
        assert not [stem for stem in stems if stem.endswith("?")]


def test_a_lesson_can_be_heard_in_three_minutes(made: tuple[str, Made]) -> None:
    _, course = made
    assert all(0 < script.seconds <= 180 for script in course.scripts)
