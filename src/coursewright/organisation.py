"""One organisation's view of the program: what the HTTP API does, on connections that see its rows only."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from coursewright.access import Principal
from coursewright.apart import Run
from coursewright.course.model import Course
from coursewright.course.plan import Analysis, CourseRequest
from coursewright.course.quality import Quality
from coursewright.db.pool import Pool
from coursewright.db.scope import ScopedPool
from coursewright.documents.embed import Embedder
from coursewright.documents.follow import Followed
from coursewright.documents.library import Library, LibraryDocument
from coursewright.documents.retrieve import Hit, Retriever
from coursewright.documents.store import DocumentStore
from coursewright.doorbells import Bells
from coursewright.errors import Conflict, InvalidRequest, NotFound, NothingToRead, TooFewSources
from coursewright.generation.authors.counting import count_up, main_language
from coursewright.generation.authors.extractive.analysis import analyse, refuse_what_needs_a_model
from coursewright.generation.authors.extractive.catalogue import catalogue
from coursewright.generation.courses import CourseStore
from coursewright.generation.outlines import take_up
from coursewright.generation.wish import DEFAULT_AUTHOR, RESERVED, AuthorName, CourseWish
from coursewright.observing.tracing import current_traceparent
from coursewright.queue import JobQueue
from coursewright.queue.pages import JobPages, Row
from coursewright.queue.submission import Submissions, Submitted
from coursewright.settings import Settings

JobType = Literal["generate_course_v2", "generate_outline"]
_OBJECTIVES = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """Who writes a course; `estimate` in dollars and minutes, where it is known; `notes` say what is not as wished."""

    author: AuthorName
    model: str | None = None
    estimate: dict[str, float | None] | None = None
    terms: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Chooses(Protocol):
    """Chooses the author of a wish. `sources`: passages and bytes of the knowledge base, None while not known."""

    default: AuthorName

    async def __call__(
        self, organisation_id: UUID, wish: CourseWish, *, urgency: str, sources: tuple[int, int] | None
    ) -> Choice: ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that was asked for, who writes it, the wishes that it leaves out, those that an outline overrules."""

    job: Submitted
    choice: Choice
    unhonoured: tuple[str, ...]
    overruled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnalysedBase:
    """What a knowledge base holds, and what could be learned from it."""

    analysis: Analysis
    objectives: tuple[str, ...]


class Organisation:
    """Everything that one organisation may see and do."""

    def __init__(
        self,
        pool: Pool,
        organisation_id: UUID,
        settings: Settings,
        choose: Chooses,
        embedder: Embedder | None,
        bells: Bells,
        run: Run,
        followed: Followed,
        actor: str = "",
    ) -> None:
        """`actor` is who acts, in words for a job's story."""
        self.id = organisation_id
        scoped = ScopedPool(pool, organisation_id, actor)
        self.jobs = JobQueue(scoped)
        self.pages = JobPages(scoped, organisation_id)
        self.library = Library(scoped, organisation_id, max_documents=settings.api.max_documents)
        self._documents = DocumentStore(scoped)
        self._courses = CourseStore(scoped)
        self._submissions = Submissions(scoped, settings.limits, max_rescues=settings.worker.max_rescues)
        self._retriever = Retriever(scoped, embedder)
        self._choose = choose
        self._bells = bells
        self._run = run
        self._followed = followed

    async def submit(
        self,
        wish: CourseWish,
        principal: Principal,
        *,
        limited: bool,
        job_type: JobType = "generate_course_v2",
        priority: int = 5,
        scheduled_for: datetime | None = None,
        urgency: str = "immediate",
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Check a wish, choose who writes, and enqueue it as a job.

        Raises NotFound, NothingToRead, InvalidRequest (what the author cannot do), BudgetReached, LimitReached.
        """
        overruled: tuple[str, ...] = ()
        if made_by := wish.course_outline_id:
            if job_type == "generate_outline":
                raise InvalidRequest(
                    "An outline cannot be made of an outline.", hint="Leave courseOutlineId or jobType out."
                )
            earlier, _, _ = await take_up(self.jobs, made_by, self.id, wish.base_class_id)
            wish, overruled = wish.taking_up(earlier.job_data)
        documents = await self.documents(wish.base_class_id)
        if not any(each.status in ("queued", "processing", "completed") for each in documents):
            why = "; ".join(f"{each.name}: {each.error}" for each in documents[:5])
            raise NothingToRead(
                f"The knowledge base holds no document that can be read. {why}".strip(),
                hint="Upload documents first: POST /api/knowledge-base/upload.",
            )
        read = all(each.status in ("completed", "error") for each in documents)
        sources = await self._documents.sizes(self.id, wish.base_class_id) if read else None
        choice = await self._choose(self.id, wish, urgency=urgency, sources=sources)
        request = wish.request(choice.author)
        if request.author == "extractive":
            refuse_what_needs_a_model(request)
        asked = wish.model_dump(mode="json", by_alias=True, exclude_unset=True)
        told = {"author": choice.author, "model": choice.model, "estimate": choice.estimate}
        submitted = await self._submissions.submit(
            job_type,
            {key: value for key, value in asked.items() if key not in RESERVED} | {"urgency": urgency},
            request.model_dump(mode="json", exclude_defaults=True) | told,
            organisation_id=self.id,
            user_id=principal.user_id,
            base_class_id=wish.base_class_id,
            role=principal.role if limited else None,
            priority=priority,
            scheduled_for=scheduled_for,
            idempotency_key=idempotency_key,
            settled={DEFAULT_AUTHOR: choice.author}
            | ({"terms": choice.terms} if choice.terms else {})
            | ({"traceparent": span} if (span := current_traceparent()) else {}),
        )
        await self._bells.ring(submitted.job_id, scheduled_for)
        return Accepted(submitted, choice, request.unhonoured, overruled)

    async def documents(self, knowledge_base_id: UUID) -> list[LibraryDocument]:
        """Return the documents of a knowledge base by name; where none is known, the application is asked.

        Raises NotFound, ConfigurationError, TooLarge.
        """
        if self._followed.configured:
            try:
                if found := await self.library.documents(knowledge_base_id):
                    return found
            except NotFound:
                pass
            await self._followed.follow(self.id, knowledge_base_id)
        return await self.library.documents(knowledge_base_id)

    async def analysis(self, knowledge_base_id: UUID) -> AnalysedBase:
        """Return what a knowledge base holds; kept until its documents change. Raises NotFound."""
        await self.documents(knowledge_base_id)
        stored, fingerprint = await self.library.analysis(knowledge_base_id)
        if stored is not None:
            found = Analysis.model_validate(stored)
        else:
            passages = await self._documents.passages(self.id, knowledge_base_id)
            try:
                found = await self._run(analyse, passages, CourseRequest())
            except InvalidRequest:  # in a language that the built-in author does not write; a model may
                found = count_up(passages, main_language(passages))
            except TooFewSources:
                found = Analysis(
                    language="en", documents=0, passages=0, words=0, depth="minimal", quality="low",
                    recommended_mode="kb_supplemented",
                )  # fmt: skip
            await self.library.keep_analysis(knowledge_base_id, found.model_dump_json(), fingerprint)
        terms = [concept.term for concept in found.concepts[:_OBJECTIVES]]
        if not terms:  # as in a language that has no catalogue
            return AnalysedBase(found, ())
        words = catalogue(found.language)
        return AnalysedBase(found, tuple(words.say("objectives", "define", term=term) for term in terms))

    async def search(self, knowledge_base_id: UUID, question: str, *, limit: int) -> list[Hit]:
        """Return the passages that answer a question best, best first. Raises NotFound."""
        await self.library.require(knowledge_base_id)
        return await self._retriever.search(self.id, knowledge_base_id, question, limit=limit)

    async def course(self, job_id: UUID) -> tuple[Course, Quality]:
        """Return a finished course. Raises NotFound."""
        return await self._courses.load(job_id, self.id)

    async def go_on(self, job_id: UUID) -> str:
        """Resume a paused job, or do the failed tasks of an ended one again; say which. Raises NotFound, Conflict."""
        job = await self.jobs.get(job_id, self.id)
        if job.status == "paused":
            await self.jobs.resume(job_id)
            return "The job goes on."
        if job.status.is_final:
            unfinished = [t.id for t in await self.jobs.tasks(job_id) if t.status in ("failed", "skipped", "cancelled")]
            if unfinished and await self.jobs.retry(job_id, unfinished):
                return "What did not succeed is done again."
        raise Conflict(f"Job {job_id} is {job.status} and has nothing to resume.")

    async def restart(self, job_id: UUID) -> str:
        """Do every task of a job anew, from the outline on. Raises NotFound, Conflict."""
        job = await self.jobs.get(job_id, self.id)
        tasks = await self.jobs.tasks(job_id)
        settled = [t.id for t in tasks if t.status in ("completed", "failed", "skipped", "cancelled")]
        if not job.status.is_final or not settled:
            raise Conflict(f"Job {job_id} is {job.status}.", hint="Cancel it first, or wait until it has ended.")
        await self.jobs.retry(job_id, settled)
        return "The job starts again."

    async def clear(self, job_id: UUID) -> None:
        """Take a job from the list of active ones. Raises NotFound."""
        await self.jobs.get(job_id, self.id)
        await self.pages.clear(job_id)

    async def task_ids(self, job_id: UUID, wanted: list[str]) -> list[UUID]:
        """Return the ids of tasks that are named by id or identifier. Raises NotFound."""
        await self.jobs.get(job_id, self.id)
        known: dict[str, UUID] = {}
        for task in await self.jobs.tasks(job_id):
            known[str(task.id)] = known[task.task_identifier] = task.id
        if missing := [name for name in wanted if name.lower() not in known and name not in known]:
            raise InvalidRequest(f"Job {job_id} has no task {missing[0]}.", hint="GET …/v2/tasks/{jobId} lists them.")
        return [known.get(name) or known[name.lower()] for name in wanted]

    async def outlines(self, knowledge_base_id: UUID) -> list[Row]:
        """Return the courses and outlines that were made from a knowledge base, newest first."""
        return await self.pages.outlines(knowledge_base_id)


__all__ = ["Accepted", "AnalysedBase", "Choice", "Chooses", "JobType", "Organisation"]
