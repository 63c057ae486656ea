"""Whole courses from English manuals as they are: nothing broken, and the measures stay where they are.

The documents are fetched by scripts/fetch_documents.sh and not kept in the repository.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from coursewright.course.checks import check
from coursewright.course.model import Course, Provenance
from coursewright.course.plan import CourseRequest, Outline
from coursewright.course.quality import Quality, measure
from coursewright.documents.discover import discover
from coursewright.documents.passages import Passage
from coursewright.documents.reading import SourceFile, number, read_files
from coursewright.generation.assemble import Outputs, assemble, pins
from coursewright.generation.authors.extractive import ExtractiveAuthor
from coursewright.settings import DocumentSettings

pytestmark = [pytest.mark.real_documents, pytest.mark.slow]

FETCHED = Path(__file__).parents[2] / ".cache" / "documents"
AUTHOR = ExtractiveAuthor()
REQUEST = CourseRequest()


@dataclass(frozen=True)
class Manual:
    """Where it lies (below the folder of fetched documents), and how many questions it yields at least."""

    package: str
    pattern: str
    questions: int


MANUALS = {
    "handbook": Manual("debian-handbook", "usr/share/doc/debian-handbook/html/en-US", 200),
    "python": Manual("python3.11-doc", "usr/share/doc/python3.11/html/tutorial", 60),
    "r": Manual("r-doc-pdf", "**/R-intro.pdf", 50),
    "live": Manual("live-manual-epub", "**/live-manual.en.epub", 30),
    "slides": Manual("packaging-tutorial", "**/packaging-tutorial.pdf", 8),
    "annotations": Manual("c++-annotations-pdf", "**/cplusplus.pdf", 150),
}


@pytest.fixture(scope="module", params=MANUALS)
def made(request: pytest.FixtureRequest) -> "Made":
    """A manual and the course made from it."""
    manual = MANUALS[request.param]
    found = next(iter(sorted((FETCHED / manual.package).glob(manual.pattern))), None)
    if found is None:
        pytest.skip(f"{manual.package} is not fetched: scripts/fetch_documents.sh {manual.package}")
    passages = asyncio.run(_read(found))
    course, outline = asyncio.run(_write(passages))
    return manual, course, outline, measure(course, pins=pins(outline))


async def _read(path: Path) -> list[Passage]:
    limits = DocumentSettings()
    found, _ = discover([path], limits.max_file_mb << 20)
    reads = [read async for read in read_files([SourceFile(one.name, one.path) for one in found], limits)]
    assert [read.error for read in reads if read.error] == []
    return number(reads)


async def _write(passages: list[Passage]) -> tuple[Course, Outline]:
    """Do what the steps of a job do, without the database."""
    by_id = {passage.id: passage for passage in passages}
    outline = await AUTHOR.outline(passages, await AUTHOR.analyse(passages, REQUEST), REQUEST)
    outputs: dict[str, dict[str, object]] = {}

    async def ask(name: str, plan: object, ids: tuple[str, ...]) -> None:
        written = await AUTHOR.questions(plan, [by_id[one] for one in ids], [], REQUEST)  # type: ignore[arg-type]
        outputs[name] = {"questions": [question.model_dump(mode="json") for question in written.questions]}

    for module in outline.modules:
        for lesson in module.lessons:
            sections = []
            for place, plan in enumerate(lesson.sections, 1):
                section = await AUTHOR.section(plan, lesson, [by_id[one] for one in plan.passage_ids], REQUEST)
                sections.append(section)
                outputs[f"section-{lesson.id}-{place}"] = {"section": section.model_dump(mode="json")}
            given = [by_id[one] for plan in lesson.sections for one in plan.passage_ids]
            mind_map = await AUTHOR.mind_map(lesson, sections, given, REQUEST)
            spoken = await AUTHOR.brainbytes(lesson, sections, given, REQUEST)
            outputs[f"mindmap-{lesson.id}"] = {"mind_map": mind_map.model_dump(mode="json")}
            outputs[f"brainbytes-{lesson.id}"] = {"brainbytes": spoken.model_dump(mode="json")}
            await ask(f"assessment-{lesson.id}", lesson.assessment, lesson.assessment.passage_ids)
        await ask(f"quiz-{module.id}", module.quiz, module.quiz.passage_ids)
    await ask("exam-course", outline.exam, outline.exam.passage_ids)
    written: Outputs = outputs
    provenance = Provenance(author=AUTHOR.name)
    return assemble(outline, written, passages, REQUEST, provenance, "course"), outline


Made = tuple[Manual, Course, Outline, Quality]


def test_the_course_is_sound_and_its_citations_exact(made: Made) -> None:
    _, course, _, quality = made
    assert check(course) == ()
    assert quality.measure("citation_validity").value == 1
    assert quality.measure("uncited").value == 0
    assert (quality.measure("citation_recall").value or 0) >= 0.995


def test_titles_are_whole_and_distinct(made: Made) -> None:
    _, course, _, _ = made
    titles = [lesson.title for module in course.modules for lesson in module.lessons]
    assert len({title.casefold() for title in titles}) == len(titles)
    assert [title for title in titles if title[0].isdigit() and title[1:3].strip(" .").isdigit()] == []
    for module in course.modules:
        sizes = [sum(len(b.text) for s in lesson.sections for b in s.blocks) for lesson in module.lessons]
        assert min(sizes) > 500, module.title


def test_there_are_questions_and_they_keep_the_rules(made: Made) -> None:
    manual, course, _, quality = made
    sets = [lesson.assessment for module in course.modules for lesson in module.lessons]
    sets += [module.quiz for module in course.modules] + [course.exam]
    assert sum(len(one.questions) for one in sets) >= manual.questions
    assert (quality.measure("item_flaws").value or 0) == 1
    assert (quality.measure("duplicates").value or 0) <= 1
    assert (quality.measure("alignment").value or 0) >= 0.93
    tell = quality.measure("length_tell").value
    assert tell is None or tell < 1.2


def test_lessons_hardly_repeat_each_other(made: Made) -> None:
    _, course, _, quality = made
    sections = sum(len(lesson.sections) for module in course.modules for lesson in module.lessons)
    assert (quality.measure("reused_sentences").value or 0) <= max(2, sections / 20)
    assert (quality.measure("language").value or 0) >= 0.975
