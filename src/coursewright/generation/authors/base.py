"""The seam between the steps of a job and whoever writes the content."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias
from uuid import UUID

from coursewright.course.model import BrainBytes, MindMap, Question, Section
from coursewright.course.plan import Analysis, CourseRequest, LessonPlan, Neighbour, Outline, QuestionPlan, SectionPlan
from coursewright.documents.passages import Passage
from coursewright.generation.terms import JobTerms


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions written for one set, and, when there are fewer than wanted, why ("3 of 5: …"); else ""."""

    questions: tuple[Question, ...]
    shortfall: str = ""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """On whose behalf, and as which task, an author writes. `key` is the hash of the task's pinned inputs,
    `task` its identifier in the job.

    `terms` is what the user agreed to pay and wait for; it does not change what is written. `seconds_left`: how long
    the host lets this attempt run, `host_seconds`: how long it lets any attempt run; None: as long as it takes.
    """

    organisation_id: UUID
    knowledge_base_id: UUID
    job_id: UUID
    kind: str
    key: str
    generation: int
    documents: tuple[str, ...] = ()
    terms: JobTerms = field(default_factory=JobTerms)
    seconds_left: float | None = None
    host_seconds: float | None = None
    task: str = ""


class Author(Protocol):
    """Writes the content of one task from the passages pinned for it.

    Every method is a function of its arguments alone: same arguments, same result, on every machine (of a model: as
    long as its answers are kept). Passages arrive in the order of their pins. `TooFewSources` says that the sources do
    not carry what was asked for, `NoUsableReply` that nothing usable could be written.
    """

    @property
    def name(self) -> str:
        """Return `extractive` or `llm`."""

    @property
    def version(self) -> str:
        """Return what changes whenever the author would write something else from the same arguments."""

    @property
    def model(self) -> str | None:
        """Return the model that is asked, as `provider:model`, if any."""

    async def analyse(self, passages: Sequence[Passage], request: CourseRequest) -> Analysis: ...

    async def outline(self, passages: Sequence[Passage], analysis: Analysis, request: CourseRequest) -> Outline: ...

    async def section(
        self,
        plan: SectionPlan,
        lesson: LessonPlan,
        passages: Sequence[Passage],
        request: CourseRequest,
        neighbours: Sequence[Neighbour] = (),
    ) -> Section: ...

    async def questions(
        self, plan: QuestionPlan, passages: Sequence[Passage], sections: Sequence[Section], request: CourseRequest
    ) -> Questions: ...

    async def mind_map(
        self, lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], request: CourseRequest
    ) -> MindMap: ...

    async def brainbytes(
        self, lesson: LessonPlan, sections: Sequence[Section], passages: Sequence[Passage], request: CourseRequest
    ) -> BrainBytes: ...


# Returns the author of a request for one task. Raises NeedsAction when it is not configured here.
AuthorFor: TypeAlias = Callable[[CourseRequest, TaskContext], Awaitable[Author]]

__all__ = ["Author", "AuthorFor", "Questions", "TaskContext"]
