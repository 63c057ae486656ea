"""What is decided before a course is written: the request, the analysis of the sources, the outline with its pins.

The outline names, for every section and every set of questions, the passages it is made from (by id, in order). These
pins are what makes a course rebuildable: the same pins give the same content.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from coursewright.course.model import Difficulty, Mode

Level = Literal[
    "kindergarten", "1st-grade", "2nd-grade", "3rd-grade", "4th-grade", "5th-grade", "6th-grade", "7th-grade",
    "8th-grade", "9th-grade", "10th-grade", "11th-grade", "12th-grade", "college", "graduate", "professional", "master",
]  # fmt: skip

Detail = Literal["basic", "detailed", "comprehensive"]
USUAL_DETAIL: Detail = "detailed"
SECTION_WORDS: dict[Detail, int] = {"basic": 220, "detailed": 400, "comprehensive": 650}


_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


class _Plan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CourseRequest(_Plan):
    """What the user asked for. `None` leaves the choice to the author; structure counts that are set are exact."""

    title: str | None = Field(None, max_length=500)
    description: str = ""
    author: Literal["extractive", "llm"] = "extractive"
    mode: Mode = "kb_only"
    language: str | None = Field(None, description="ISO 639-1 (`de`, `de-AT`); default: the sources' main one.")
    level: Level | None = None
    audience: str | None = None
    detail: Detail | None = None
    prerequisites: tuple[str, ...] = Field((), description="What learners know already.")
    objectives: tuple[str, ...] = Field((), description="What learners shall be able to do.")
    guidance: str | None = Field(None, description="What the user tells the author in words of their own.")
    model: str | None = Field(None, description="`provider:model`, of the author `llm`.")
    modules: int | None = Field(None, ge=1, le=50, description="Modules in the course.")
    lessons: int | None = Field(None, ge=1, le=50, description="Lessons in each module.")
    sections: int | None = Field(None, ge=1, le=50, description="Sections in each lesson.")
    questions_per_lesson: int | None = Field(None, ge=0, le=50, description="At most so many.")
    questions_per_quiz: int | None = Field(None, ge=0, le=100, description="At most so many.")
    questions_per_exam: int | None = Field(None, ge=0, le=200, description="At most so many.")
    difficulty: Difficulty = "medium"
    seed: int = 0
    unhonoured: tuple[str, ...] = Field((), description="What was wished for and left out, for the report.")

    def of_model(self) -> tuple[str, ...]:
        """Name the wishes that only a model can honour: they ask for words that are not in the sources."""
        wishes = {
            "mode kb_supplemented": self.mode == "kb_supplemented",
            "a reading level": self.level is not None,
            "an audience": bool(self.audience),
            f"{self.detail} lessons": self.detail in ("basic", "comprehensive"),
            "prerequisites": bool(self.prerequisites),
            "learning objectives": bool(self.objectives),
            "guidance in words": bool(self.guidance),
        }
        return tuple(name for name, wished in wishes.items() if wished)

    def without_model(self) -> "CourseRequest":
        """Return the same without the wishes that only a model can honour, which are named in `unhonoured`."""
        mode = "kb_only" if self.mode == "kb_supplemented" else self.mode
        return self.model_copy(
            update={
                "mode": mode, "level": None, "audience": None, "detail": None, "prerequisites": (), "objectives": (),
                "guidance": None, "unhonoured": self.of_model(),
            }
        )  # fmt: skip

    @field_validator(
        "title",
        "description",
        "language",
        "audience",
        "prerequisites",
        "objectives",
        "guidance",
        "model",
        mode="before",
    )
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Drop what no text can hold or show: half characters (bytes that were no UTF-8), NUL, terminal commands."""
        if isinstance(value, str):
            return _UNSTORABLE.sub("", value)
        return tuple(map(cls._storable, value)) if isinstance(value, list | tuple) else value

    @field_validator("title")
    @classmethod
    def _one_line(cls, title: str | None) -> str | None:
        return " ".join(title.split()) or None if title else None

    @field_validator("language")
    @classmethod
    def _primary(cls, tag: str | None) -> str | None:
        """Take `de-AT` and `DE` for `de`: the course is not told apart by country."""
        return re.sub(r"^([a-z]{2,3})[-_].*$", r"\1", tag.strip().lower()) if tag else None


class Concept(_Plan):
    """A term that the sources define. `definition` is a verbatim span of the passage."""

    term: str
    definition: str
    passage_id: str
    kind: str = Field("term", description="Where it was found: glossary, dfn, acronym, bold, copula, …")


class Analysis(_Plan):
    """What the knowledge base holds, in the words of the HTTP API (`knowledgeBaseAnalysis`)."""

    language: str
    languages: dict[str, int] = Field(default_factory=dict, description="Words a language.")
    documents: int
    passages: int
    words: int
    depth: Literal["minimal", "moderate", "comprehensive"]
    quality: Literal["low", "medium", "high"]
    subjects: tuple[str, ...] = ()
    concepts: tuple[Concept, ...] = ()
    gaps: tuple[str, ...] = ()
    recommended_mode: Mode


class SectionPlan(_Plan):
    id: str
    title: str
    passage_ids: tuple[str, ...]
    concepts: tuple[Concept, ...] = ()
    repeats: tuple[str, ...] = Field((), description="Blocks that an earlier lesson shows; only the author reads it.")
    summary: str = Field("", description="One planned sentence, so that neighbours do not repeat each other.")

    @property
    def promise(self) -> str:
        """Return what others have to know of the section, so that they leave it to it."""
        return f"{self.title} ({self.summary})" if self.summary else self.title


class QuestionPlan(_Plan):
    """The blueprint of one set of questions: what it examines, from which passages, so that no two sets overlap."""

    wanted: int = Field(ge=0, description="At most so many questions.")
    objectives: tuple[str, ...] = ()
    passage_ids: tuple[str, ...] = ()
    seeds: tuple[dict[str, Any], ...] = Field((), description="What the author prepared; only the author reads it.")


class LessonPlan(_Plan):
    id: str
    title: str
    description: str = ""
    objectives: tuple[str, ...] = ()
    sections: tuple[SectionPlan, ...]
    assessment: QuestionPlan


class Neighbour(_Plan):
    """The lesson before or after, as far as a section has to know it, and no further: it is written anew with this."""

    place: Literal["before", "after"]
    title: str
    sections: tuple[str, ...] = Field(description="The promise of each.")


class ModulePlan(_Plan):
    id: str
    title: str
    description: str = ""
    objectives: tuple[str, ...] = ()
    lessons: tuple[LessonPlan, ...]
    quiz: QuestionPlan


class Outline(_Plan):
    title: str
    description: str = ""
    language: str
    objectives: tuple[str, ...] = ()
    modules: tuple[ModulePlan, ...]
    exam: QuestionPlan
    notes: tuple[str, ...] = Field((), description="What the author of the course should know: parts left out and why.")


__all__ = [
    "Analysis",
    "Concept",
    "CourseRequest",
    "Detail",
    "LessonPlan",
    "Level",
    "ModulePlan",
    "Neighbour",
    "Outline",
    "QuestionPlan",
    "SectionPlan",
]
