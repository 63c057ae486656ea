"""The author that lets a language model write, and believes nothing that it cannot check."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from coursewright.apart import Run
from coursewright.course.model import BrainBytes, MindMap, Section
from coursewright.course.plan import (
    SECTION_WORDS,
    USUAL_DETAIL,
    Analysis,
    CourseRequest,
    LessonPlan,
    Neighbour,
    Outline,
    QuestionPlan,
    SectionPlan,
)
from coursewright.documents.passages import Passage
from coursewright.errors import TooFewSources
from coursewright.generation.authors.base import Questions
from coursewright.generation.authors.counting import count_up, main_language
from coursewright.generation.authors.llm.analysis import describe, group, read_analysis, read_merged
from coursewright.generation.authors.llm.asking import Asking
from coursewright.generation.authors.llm.beside import side_by_side
from coursewright.generation.authors.llm.extras import lesson_text, read_brainbytes, read_mind_map
from coursewright.generation.authors.llm.listing import list_passages
from coursewright.generation.authors.llm.outline import (
    MOST_SOURCES,
    read_outline,
    ready_to_seed,
    teachable,
    with_seeds,
)
from coursewright.generation.authors.llm.prompts import prompts_version, render
from coursewright.generation.authors.llm.questions import read_questions
from coursewright.generation.authors.llm.section import read_section
from coursewright.generation.authors.llm.sources import Shown, framed, pack, parts
from coursewright.generation.authors.llm.wire import (
    WireAnalysis,
    WireBrainBytes,
    WireMindMap,
    WireOutline,
    WireQuestions,
    WireSection,
)
from coursewright.tongues import identifier

_VERSION = "4"  # raise it when the same reply would be read as something else
_SCRIPT_WORDS = 220
# Tokens of a usual answer; one that is cut off is asked for again with more.
_OUTPUT = {
    "analysis": 4_000, "outline": 12_000, "section": 4_000, "questions": 6_000, "mind_map": 1_500, "script": 1_500,
}  # fmt: skip
_CONCEPTS_A_PART = 20


@dataclass(frozen=True, slots=True)
class LlmAuthor:
    """Writes one task; `asking` knows on whose behalf and with which model, `run` does long computations."""

    asking: Asking
    run: Run = asyncio.to_thread

    @property
    def name(self) -> str:
        return "llm"

    @property
    def version(self) -> str:
        return f"{_VERSION} prompts-{prompts_version()}"

    @property
    def model(self) -> str:
        return self.asking.model

    async def analyse(self, passages: Sequence[Passage], request: CourseRequest) -> Analysis:
        if not passages:
            raise TooFewSources("there is no passage to make a course from", hint="add documents with text in them")
        # The first call takes seconds: what the next steps need is loaded meanwhile, here and where seeds are drawn.
        loading = asyncio.gather(asyncio.to_thread(identifier), self.run(ready_to_seed))
        try:
            return await self._analyse(passages, request)
        finally:
            await loading

    async def _analyse(self, passages: Sequence[Passage], request: CourseRequest) -> Analysis:
        main = main_language(passages)
        counted = count_up(passages, request.language or main)
        shared = _shared(request, counted.language)
        prompt = render("analysis", most_concepts=_CONCEPTS_A_PART, passages="")
        room = self.asking.room(_OUTPUT["analysis"], WireAnalysis, *shared, prompt)

        async def read_part(number: int, shown: Shown) -> Analysis:
            return await self.asking.ask(
                f"analysis_{number}", shared,
                render("analysis", most_concepts=_CONCEPTS_A_PART, passages=shown.text()), WireAnalysis,
                lambda wire: read_analysis(wire, shown, counted.language, counted), output=_OUTPUT["analysis"],
            )  # fmt: skip

        first, *others = [partial(read_part, *each) for each in enumerate(parts(passages, room), 1)]
        # A model that cannot do the first will not do the others; and what they share is in the provider's cache then.
        found = [await first(), *await side_by_side(others)]
        return await self._merge(found, shared)

    async def _merge(self, found: list[Analysis], shared: Sequence[str]) -> Analysis:
        """Merge analyses of parts into one: as many at once as fit the window, then what came of them."""
        room = self.asking.room(_OUTPUT["analysis"], WireAnalysis, *shared, render("analysis_merge", parts=""))

        async def merge(name: str, some: Sequence[Analysis]) -> Analysis:
            if len(some) == 1:
                return some[0]
            return await self.asking.ask(
                name, shared, render("analysis_merge", parts=describe(some)), WireAnalysis,
                lambda wire: read_merged(wire, some), output=_OUTPUT["analysis"],
            )  # fmt: skip

        level = 0
        while len(found) > 1:
            level += 1
            groups = group(found, room)
            names = [f"analysis_merge_{level}_{number}" for number in range(1, len(groups) + 1)]
            found = await side_by_side([partial(merge, *each) for each in zip(names, groups, strict=True)])
        return found[0]

    async def outline(self, passages: Sequence[Passage], analysis: Analysis, request: CourseRequest) -> Outline:
        shared = _shared(request, analysis.language)
        given = {
            "modules": request.modules,
            "lessons": request.lessons,
            "sections": request.sections,
            "most_sources": MOST_SOURCES,
            "subjects": "; ".join(analysis.subjects),
        }
        room = self.asking.room(_OUTPUT["outline"], WireOutline, *shared, render("outline", **given, passages=""))
        listing = list_passages(passages, room)
        # What the built-in author would ask about does not follow from the outline: it is found meanwhile.
        finding = asyncio.ensure_future(self.run(teachable, passages, analysis.language))
        try:
            outline = await self.asking.ask(
                "outline", shared, render("outline", **given, passages=listing.text), WireOutline,
                lambda wire: read_outline(wire, listing, analysis, request, analysis.language),
                output=_OUTPUT["outline"],
            )  # fmt: skip
            return await self.run(with_seeds, outline, await finding, passages, request)
        finally:
            finding.cancel()

    async def section(
        self,
        plan: SectionPlan,
        lesson: LessonPlan,
        passages: Sequence[Passage],
        request: CourseRequest,
        neighbours: Sequence[Neighbour] = (),
    ) -> Section:
        language = _language(passages, request)
        shared = _shared(request, language)
        words = SECTION_WORDS[request.detail or USUAL_DETAIL]
        given = {
            "section": plan.title,
            "lesson": lesson.title,
            "summary": plan.summary or plan.title,
            "objectives": "; ".join(lesson.objectives),
            "around": _around(plan, lesson, neighbours),
            "words": words,
            "blocks": f"{max(3, words // 100)} to {max(5, words // 60)}",
        }
        room = self.asking.room(_OUTPUT["section"], WireSection, *shared, render("section", **given, passages=""))
        shown = pack(passages, room)
        return await self.asking.ask(
            "section", shared, render("section", **given, passages=shown.text()), WireSection,
            lambda wire: read_section(wire, plan, shown, request.mode, language),
            output=_OUTPUT["section"],
        )  # fmt: skip

    async def questions(
        self, plan: QuestionPlan, passages: Sequence[Passage], sections: Sequence[Section], request: CourseRequest
    ) -> Questions:
        if not plan.wanted:
            return Questions(())
        language = _language(passages, request)
        shared = _shared(request, language)
        given = {
            "wanted": plan.wanted,
            "scope": "; ".join(section.title for section in sections) or "this part of the course",
            "objectives": plan.objectives,
            "difficulty": request.difficulty,
        }
        room = self.asking.room(_OUTPUT["questions"], WireQuestions, *shared, render("questions", **given, passages=""))
        shown = pack(passages, room)
        return await self.asking.ask(
            "questions", shared, render("questions", **given, passages=shown.text()), WireQuestions,
            lambda wire: read_questions(wire, plan, shown, request.mode, language, request.seed),
            output=_OUTPUT["questions"],
        )  # fmt: skip

    async def mind_map(
        self, lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], request: CourseRequest
    ) -> MindMap:
        language = _language(passages, request)
        prompt = render("mind_map", lesson=lesson.title, text=framed(lesson_text(sections)))
        return await self.asking.ask(
            "mind_map", _shared(request, language), prompt, WireMindMap,
            lambda wire: read_mind_map(wire, lesson, sections, language), output=_OUTPUT["mind_map"],
        )  # fmt: skip

    async def brainbytes(
        self, lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], request: CourseRequest
    ) -> BrainBytes:
        language = _language(passages, request)
        prompt = render("brainbytes", lesson=lesson.title, text=framed(lesson_text(sections)), words=_SCRIPT_WORDS)
        return await self.asking.ask(
            "brainbytes", _shared(request, language), prompt, WireBrainBytes,
            lambda wire: read_brainbytes(wire, sections, request.mode, language), output=_OUTPUT["script"],
        )  # fmt: skip


def _shared(request: CourseRequest, language: str) -> tuple[str, str]:
    """Return what all calls of a job begin with."""
    brief = render(
        "brief",
        language=language,
        title=request.title,
        description=request.description,
        audience=request.audience,
        level=request.level,
        prerequisites="; ".join(request.prerequisites),
        detail=request.detail or USUAL_DETAIL,
        objectives=request.objectives,
        mode=request.mode,
        guidance=(request.guidance or "").replace("<", "‹"),
    )
    return render("system"), brief


def _around(plan: SectionPlan, lesson: LessonPlan, neighbours: Sequence[Neighbour]) -> str:
    """Return what the sections of the same lesson and of its neighbours teach, a lesson on a line."""
    told = {"this lesson": [each.promise for each in lesson.sections if each.id != plan.id]}
    told |= {f"the lesson {each.place}, “{each.title}”": list(each.sections) for each in neighbours}
    lines = (f"In {where}: {'; '.join(what)}" for where, what in told.items() if what)
    return "\n".join(framed(" ".join(line.split())) for line in lines)


def _language(passages: Sequence[Passage], request: CourseRequest) -> str:
    return request.language or next((passage.language for passage in passages if passage.language), "en")


__all__ = ["LlmAuthor"]
