"""The extractive author behind the seam of `generation/authors/base.py`: pure functions, run apart."""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version

from coursewright.apart import Run
from coursewright.course.model import BrainBytes, MindMap, Question, Section
from coursewright.course.plan import Analysis, CourseRequest, LessonPlan, Neighbour, Outline, QuestionPlan, SectionPlan
from coursewright.documents.passages import Passage
from coursewright.generation.authors.base import Questions
from coursewright.generation.authors.extractive.analysis import analyse, target_language
from coursewright.generation.authors.extractive.brainbytes import make_brainbytes
from coursewright.generation.authors.extractive.catalogue import Catalogue, catalogue
from coursewright.generation.authors.extractive.mind_map import make_mind_map
from coursewright.generation.authors.extractive.outline import make_outline
from coursewright.generation.authors.extractive.questions.write import write
from coursewright.generation.authors.extractive.section import make_section

_VERSION = "11"  # raise it with every change that makes another course from the same sources
_LIBRARIES = ("py3langid", "sentencex", "snowballstemmer", "stopwordsiso")


class ExtractiveAuthor:
    """Makes a course from the words of the sources alone: no model, no key, no network. `run` does the computing."""

    def __init__(self, run: Run = asyncio.to_thread) -> None:
        self._run = run

    @property
    def name(self) -> str:
        return "extractive"

    @property
    def version(self) -> str:
        """Return the author's version and those of the libraries that decide where sentences and stems end."""
        return " ".join([_VERSION, *(f"{library}-{version(library)}" for library in _LIBRARIES)])

    @property
    def model(self) -> None:
        return None

    async def analyse(self, passages: Sequence[Passage], request: CourseRequest) -> Analysis:
        return await self._run(analyse, passages, request)

    async def outline(self, passages: Sequence[Passage], analysis: Analysis, request: CourseRequest) -> Outline:
        return await self._run(make_outline, passages, analysis, request)

    async def section(
        self,
        plan: SectionPlan,
        lesson: LessonPlan,
        passages: Sequence[Passage],
        request: CourseRequest,
        neighbours: Sequence[Neighbour] = (),
    ) -> Section:
        return await self._run(make_section, plan, passages, _words(passages, request))

    async def questions(
        self, plan: QuestionPlan, passages: Sequence[Passage], sections: Sequence[Section], request: CourseRequest
    ) -> Questions:
        return await self._run(_questions, plan, passages, request)

    async def mind_map(
        self, lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], request: CourseRequest
    ) -> MindMap:
        return await self._run(make_mind_map, lesson, sections, passages, _words(passages, request))

    async def brainbytes(
        self, lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], request: CourseRequest
    ) -> BrainBytes:
        return await self._run(make_brainbytes, lesson, sections, passages, _words(passages, request))


def _words(passages: Sequence[Passage], request: CourseRequest) -> Catalogue:
    """Return the catalogue of the course: the pinned passages are all in its language."""
    return catalogue(request.language or target_language(passages, request))


def _questions(plan: QuestionPlan, passages: Sequence[Passage], request: CourseRequest) -> Questions:
    written: list[Question] = []
    for seed in plan.seeds[: plan.wanted]:
        question = write(seed, passages, request.seed)
        if question is not None:
            written.append(question)
    if len(written) >= plan.wanted:
        return Questions(tuple(written))
    words = _words(passages, request)
    return Questions(tuple(written), words.say("notes", "shortfall", made=len(written), wanted=plan.wanted))


__all__ = ["ExtractiveAuthor"]
