"""The composition root: builds everything once, and is what the command line and other programs talk to."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from coursewright.access import ApiKeys, Tokens
from coursewright.apart import Apart
from coursewright.authors import Authors, Quote, gateway_settings
from coursewright.bells import configured_bells, ring_again, seconds_to_ring, tick_bell
from coursewright.choice import Chooser
from coursewright.course.model import Course
from coursewright.course.plan import CourseRequest
from coursewright.course.quality import Quality
from coursewright.db.embedded import embedded_postgres
from coursewright.db.migrate import migrate
from coursewright.db.pool import Pool, connect, connect_sync, mapped_errors, open_pool
from coursewright.delivery import configured_courier
from coursewright.documents.embed import Embedder, open_embedder
from coursewright.documents.fetch import Fetcher
from coursewright.documents.follow import Followed
from coursewright.documents.intake import Intake
from coursewright.documents.retrieve import Hit, Retriever
from coursewright.documents.storage import Storage
from coursewright.documents.store import DocumentStore
from coursewright.errors import (
    ConfigurationError,
    InputError,
    JobFailed,
    NeedsAction,
    NotFound,
)
from coursewright.exporters.export import export
from coursewright.exporters.formats import FORMATS, Format
from coursewright.exporters.markdown import render_lesson
from coursewright.folders import LOCAL_ORGANISATION, FolderReader
from coursewright.generation.authors.extractive import ExtractiveAuthor
from coursewright.generation.courses import CourseStore
from coursewright.generation.estimates import Estimates
from coursewright.generation.graph import EXPECTED_TASKS, first_tasks
from coursewright.generation.steps import CourseSteps
from coursewright.generation.terms import JobTerms
from coursewright.generation.wish import course_request
from coursewright.generation.writing import Writing
from coursewright.llm import Gateway
from coursewright.llm.cache import Cache
from coursewright.llm.keys import ProviderKeys
from coursewright.llm.ledger import Ledger
from coursewright.llm.providers.configured import ConfiguredProviders
from coursewright.operations import Operations
from coursewright.organisation import Organisation
from coursewright.progress import KnowledgeBase, Making, Progress, Reading, Watcher
from coursewright.queue import Job, JobQueue, JobStatus, Lease, TaskStatus, Worker
from coursewright.queue.leases import Leases
from coursewright.queue.tick import Tick, Ticked
from coursewright.settings import Settings, WorkerSettings

CRON_ROUTE = "/api/cron/process-courses"
WEBHOOK_ROUTE = "/process-course"


class Coursewright:
    """Documents in, courses out. Get one from `open_coursewright`."""

    def __init__(
        self,
        settings: Settings,
        url: str,
        pool: Pool,
        embedder: Embedder | None = None,
        providers: ConfiguredProviders | None = None,
    ) -> None:
        self.settings = settings
        self.url = url
        self.keys = ApiKeys(pool)
        self.tokens = Tokens(settings.auth, pool)
        self.fetcher = Fetcher(settings.api)
        self.operations = Operations(
            pool,
            url,
            month_budget=settings.gateway.month_budget,
            data_dir=None if settings.database_url else settings.data_dir,
        )
        self.jobs = JobQueue(pool)
        self.documents = DocumentStore(pool)
        self._embedder = embedder
        self.retriever = Retriever(pool, embedder)
        self._folders = FolderReader(self.documents, self.retriever, settings.documents)
        self._files = Storage(settings.documents, settings.api, self.fetcher)
        self.intake = Intake(pool, settings.documents, self._files, self.retriever.embed)
        self.followed = Followed(pool, lambda: connect(url, settings.database), settings.documents, settings.api)
        self.courses = CourseStore(pool)
        self.ledger = Ledger(pool)
        self.replies = Cache(pool, settings.gateway)
        self.courier = configured_courier(pool, settings.delivery, self.courses.load, render_lesson)
        self._tick_bell = tick_bell(settings, webhook_route=WEBHOOK_ROUTE, cron_route=CRON_ROUTE)
        self._bells = configured_bells(settings, url, self.operations.tally.count, self._tick_bell)
        self.providers = providers or ConfiguredProviders(settings.providers, ProviderKeys(pool, settings.master_keys))
        self._pool = self.pool = pool
        self._leases = Leases(pool, first_tasks(), expected=EXPECTED_TASKS)
        self._watcher = Watcher(pool, self.jobs)
        self.gateway = Gateway(
            pool,
            self.providers,
            gateway_settings(settings.gateway, settings.providers.base_url),
            spill=settings.data_dir / "replies",
            on_settled=self._on_settled,
            on_fallback=self._watcher.model_changed,
            redis=settings.redis_url,
            webhooks=("openai",) if settings.providers.openai_webhook_secret else (),
        )
        self.prices = self.gateway.prices
        self.apart = Apart()
        run = self.apart.run
        built_in = ExtractiveAuthor(run)
        self.authors = Authors(
            settings.providers,
            self.gateway,
            self.providers,
            self.ledger,
            built_in,
            Estimates(pool),
            run,
            may_ask=self._may_ask,
        )
        self.chooser = Chooser(settings, self.authors, self.ledger)
        writing = Writing(self.authors.author_for, built_in)
        self._step = CourseSteps(
            self.jobs,
            self.documents,
            self.courses,
            writing,
            self.authors.keep_estimate,
            run,
            follow=self.followed.follow_for_task,
            default_author=self.chooser.default,
        )

    async def read(
        self,
        paths: Sequence[Path],
        *,
        strict: bool = False,
        on_progress: Callable[[Reading], None] = lambda _: None,
        on_embedding: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> KnowledgeBase:
        """Read files and folders into a knowledge base of the local organisation; see `FolderReader.read`.

        Raises ConfigurationError where an application keeps the organisations.
        """
        if await self.keys.beside_application():
            raise ConfigurationError(
                "This database belongs to an application: what is made here belongs to one of its users.",
                hint="Ask through the API (coursewright serve), or unset DATABASE_URL to work in a folder of your own.",
            )
        return await self._folders.read(paths, strict=strict, on_progress=on_progress, on_embedding=on_embedding)

    async def search(self, question: str, knowledge_base_id: UUID | None = None, *, limit: int = 10) -> list[Hit]:
        """Return the passages that answer a question best, best first, from a knowledge base of the local organisation.

        Without one, from that of the newest job. Raises NotFound when there is no job yet.
        """
        if knowledge_base_id is None:
            newest = await self.jobs.newest(LOCAL_ORGANISATION, most=1)
            if not newest or newest[0].base_class_id is None:
                raise NotFound(
                    "There are no documents to search yet.",
                    hint="Name them: coursewright search QUESTION DOCUMENTS; or make a course of them first.",
                )
            knowledge_base_id = newest[0].base_class_id
        return await self.retriever.search(LOCAL_ORGANISATION, knowledge_base_id, question, limit=limit)

    async def quote(self, base: KnowledgeBase, request: CourseRequest, terms: JobTerms) -> Quote:
        """Say what a course by the author `llm` will cost, before anything is spent.

        Raises ConfigurationError, InvalidRequest, PriceUnknown.
        """
        passages = await self.documents.passages(LOCAL_ORGANISATION, base.id)
        return await self.authors.quote(passages, request, terms, LOCAL_ORGANISATION)

    async def enqueue(
        self,
        base: KnowledgeBase,
        request: CourseRequest,
        out: str | None = None,
        *,
        terms: JobTerms | None = None,
        refresh: bool = False,
    ) -> tuple[UUID, bool]:
        """Ask for a course. Returns the job, and whether it is an unfinished one for the same wish that goes on.

        `out` is the folder it is meant for, as an absolute path; it is kept with the job for whoever resumes it.
        With `refresh`, nothing that a model answered before is used.
        """
        agreed = terms or JobTerms()
        wish = {
            "request": request.model_dump(mode="json"),
            "leftOut": [each.model_dump() for each in base.left_out],
        }
        for job in await self.jobs.newest(LOCAL_ORGANISATION):
            same = all(job.job_data.get(name) == value for name, value in wish.items())
            if (
                job.base_class_id == base.id
                and not job.status.is_final
                and same
                and agreed.same_as(job.job_data, refresh)
            ):
                if agreed.budget is not None:
                    await self.ledger.cap_job(job.id, LOCAL_ORGANISATION, agreed.budget)
                if job.status == JobStatus.PAUSED:
                    await self.jobs.resume(job.id)
                return job.id, True
        if refresh:
            newest = await self.ledger.newest_generation(LOCAL_ORGANISATION)
            agreed = agreed.model_copy(update={"generation": newest + 1})
        data = wish if out is None else wish | {"out": out}
        if request.author == "llm":
            if self.settings.providers.storage:
                await self.ledger.allow_storage(LOCAL_ORGANISATION)
            data |= {"terms": agreed.model_dump(mode="json", exclude_defaults=True)}
        job_id = await self.jobs.enqueue(
            "generate_course_v2", data, organisation_id=LOCAL_ORGANISATION, base_class_id=base.id
        )
        if request.author == "llm" and agreed.budget is not None:
            await self.ledger.cap_job(job_id, LOCAL_ORGANISATION, agreed.budget)
        return job_id, False

    async def resume(self, job_id: UUID, budget: Decimal | None = None) -> None:
        """Go on with a job that is paused, or do again what failed; `budget` becomes its hard cap in dollars."""
        if budget is not None:
            await self.ledger.cap_job(job_id, LOCAL_ORGANISATION, budget)
        job = await self.jobs.get(job_id)
        if job.status == JobStatus.PAUSED:
            await self.jobs.resume(job_id)
        elif job.status.is_final and job.failed_tasks:
            await self.jobs.retry_failed(job_id)

    def organisation(self, organisation_id: UUID, actor: str = "") -> Organisation:
        """Return one organisation's view of the program; `actor` is who acts in its name, in words."""
        return Organisation(
            self._pool,
            organisation_id,
            self.settings,
            self.chooser,
            self._embedder,
            self._bells,
            self.apart.run,
            self.followed,
            actor,
        )

    async def work(self, worker: Worker) -> None:
        """Carry out tasks, read documents and deliver in the background until the worker is stopped."""
        await worker.run_beside(self.intake.run, self.courier.run)

    def worker(
        self,
        *,
        only_job: UUID | None = None,
        at_once: int | None = None,
        on_start: Callable[[Lease], None] = lambda _: None,
    ) -> Worker:
        """Return a worker for this process; `only_job` confines it to one job, `on_start` is told of each task.

        `at_once`: tasks that it carries out at once, where the settings do not say; see `Authors.at_once`.
        """
        return Worker(
            self._leases,
            self._step,
            lambda: connect_sync(self.url, self.settings.database),
            self._worker_settings(at_once),
            name=self.settings.worker_id,
            poll_interval=self.settings.poll_interval,
            only_job=only_job,
            listen=self._bells.listen,
            on_start=on_start,
            duty=self._duties,
        )

    async def tick(self, budget: float, *, began: float | None = None, ring: bool = True) -> Ticked:
        """Do what fits in `budget` seconds from `began` (of `time.monotonic`; default: now), and end inside of them.

        While work remains, the next tick is rung for (`ring`). Raises DatabaseUnavailable.
        """
        began = time.monotonic() if began is None else began
        end = began + budget
        bell = self._tick_bell if ring else None
        if bell:
            budget -= seconds_to_ring(budget)
        # A document gets what a tick can give, so that one that takes longer fails with a reason instead of for ever.
        seconds = min(self.settings.documents.seconds, 0.8 * budget)
        intake = Intake(
            self._pool,
            self.settings.documents.model_copy(update={"seconds": seconds}),
            self._files,
            self.retriever.embed,
        )
        tick = Tick(
            self._leases,
            self._step,
            lambda: connect_sync(self.url, self.settings.database),
            self._worker_settings(),
            budget=budget,
            began=began,
            name=self.settings.worker_id,
            beside=[intake.drain, self._duties, self.courier.drain],
        )
        with mapped_errors():
            ticked = await tick.within()
        if ring:
            rung = await ring_again(bell, ticked.left, end, self.settings.ticks.chains, self._bells.rung)
            return replace(ticked, rung=rung)
        return ticked

    async def take_in(self, job_id: UUID, request: dict[str, Any] | None) -> str | None:
        """Keep a request that came along with a webhook, and mend a missing queue entry; return the job's status."""
        return await self.jobs.take_in(job_id, request)

    async def finish(
        self,
        job_id: UUID,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_stopping: Callable[[], None] = lambda: None,
        every: float = 0.1,
    ) -> Job:
        """Work on a job until it ends and return it.

        Raises JobFailed when it gave no course, NeedsAction when it was paused because somebody has to do something.
        When cancelled, tasks under way may finish (the worker's `grace_seconds`); `on_stopping` is called before.
        """
        worker = self.worker(only_job=job_id, at_once=await self._at_once(job_id))
        running = asyncio.create_task(worker.run())
        try:
            job = await self._watch(job_id, running, on_progress, every)
        except asyncio.CancelledError:
            on_stopping()
            raise
        finally:
            worker.stop()
            await running
        if job.status == JobStatus.PAUSED:
            raise NeedsAction(
                f"Job {job_id} is paused. {job.error_message}", hint=f"Then: coursewright resume {job_id}"
            )
        if job.status == JobStatus.CANCELLED:
            raise JobFailed(f"Job {job_id} was cancelled.", hint="`coursewright generate` starts a new one.")
        if job.status == JobStatus.FAILED:
            raise JobFailed(job.error_message or f"Job {job_id} failed.", hint=await self._hint(job_id))
        return job

    async def progress(self, job_id: UUID) -> Progress:
        """Return how far a job is."""
        return await self._watcher.look(job_id)

    async def export(self, job_id: UUID, out: Path, formats: Sequence[Format] = FORMATS) -> tuple[Path, ...]:
        """Write the course of a job into a folder and return the files to look at first.

        When cancelled, what is being written is written to its end first: a folder holds a whole course or none.
        """
        course, quality = await self.courses.load(job_id)
        writing = asyncio.ensure_future(self.apart.run(export, course, quality, formats, out=out))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    async def course(self, job_id: UUID) -> tuple[Course, Quality]:
        """Return the course of a job and its quality report."""
        return await self.courses.load(job_id)

    async def _watch(
        self, job_id: UUID, worker: "asyncio.Task[None]", on_progress: Callable[[Progress], None], every: float
    ) -> Job:
        while True:
            progress = await self.progress(job_id)
            on_progress(progress)
            job = progress.job
            # Who pauses a job without a word means to go on soon; a reason needs somebody to see to it.
            if job.status.is_final or (job.status == JobStatus.PAUSED and job.error_message):
                return job
            await asyncio.wait([worker], timeout=every)
            if worker.done():
                await worker  # a worker that stops by itself has met a defect: show it

    def _may_ask(self, organisation_id: UUID, model: str) -> bool:
        return organisation_id == LOCAL_ORGANISATION or model in self.chooser.nameable

    async def _duties(self) -> None:
        """Do what every worker and every tick does beside its tasks."""
        await self.gateway.duties()
        await self.operations.keep_count()

    async def _on_settled(self, call_id: UUID) -> None:
        await self._leases.wake(call_id)

    def _worker_settings(self, at_once: int | None = None) -> WorkerSettings:
        """Return the settings of a worker; where nobody set how many tasks at once, it follows from who writes."""
        settings = self.settings.worker
        if "concurrency" in settings.model_fields_set:
            return settings
        return settings.model_copy(update={"concurrency": at_once or self.authors.at_once(self.chooser.default)})

    async def _at_once(self, job_id: UUID) -> int | None:
        job = await self.jobs.get(job_id)
        try:
            return self.authors.at_once(course_request(job.job_data, job.base_class_id).author)
        except InputError:  # the first task says so
            return None

    async def _hint(self, job_id: UUID) -> str:
        for task in await self.jobs.tasks(job_id):
            if task.status == TaskStatus.FAILED and task.recovery_suggestions:
                return " ".join(task.recovery_suggestions)
        return f"`coursewright status {job_id}` shows what failed; `coursewright resume {job_id}` tries again."


@contextlib.asynccontextmanager
async def open_coursewright(
    settings: Settings,
    *,
    on_stage: Callable[[str], None] = lambda _: None,
    providers: Callable[[Pool], ConfiguredProviders] | None = None,
) -> AsyncIterator[Coursewright]:
    """Start or reach Postgres, bring its schema up to date, yield the program. Raises DatabaseUnavailable."""
    async with contextlib.AsyncExitStack() as stack:
        if settings.database_url:
            url = settings.database_url.get_secret_value()
        else:
            on_stage("Starting Postgres")
            url = await stack.enter_async_context(embedded_postgres(settings.data_dir))
        await migrate(url, settings=settings.database)
        pool = await stack.enter_async_context(open_pool(url, settings.database))
        embedder = await stack.enter_async_context(open_embedder(settings.documents.embedder))
        program = Coursewright(settings, url, pool, embedder, providers(pool) if providers else None)
        stack.push_async_callback(program.providers.aclose)
        stack.push_async_callback(program.apart.aclose)
        await stack.enter_async_context(program.gateway)
        yield program


__all__ = [
    "CRON_ROUTE",
    "LOCAL_ORGANISATION",
    "WEBHOOK_ROUTE",
    "Coursewright",
    "Hit",
    "KnowledgeBase",
    "Making",
    "Progress",
    "Reading",
    "Ticked",
    "open_coursewright",
]
