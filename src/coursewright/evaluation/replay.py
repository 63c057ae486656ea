"""Records what a job's model answered, and makes the course again from a recording, in a database for it alone.

The whole program runs: queue, gateway, author, checks. Only the provider is another one.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from psycopg.rows import scalar_row

from coursewright.app import LOCAL_ORGANISATION, Coursewright, KnowledgeBase, open_coursewright
from coursewright.course.plan import QuestionPlan
from coursewright.db.pool import Pool, connected
from coursewright.db.queries import fetch_all, sql
from coursewright.documents.passages import ReadDocument
from coursewright.documents.reading import FileRead
from coursewright.errors import InvalidRequest
from coursewright.evaluation.recorded import Recorded, RecordedProviders
from coursewright.evaluation.recording import Head, RecordedReply, Recording, place
from coursewright.evaluation.scores import Scores, Verdict, score
from coursewright.generation.terms import JobTerms
from coursewright.generation.wish import course_request
from coursewright.llm.call import reply_from_json
from coursewright.queue import JobStatus
from coursewright.settings import ProviderSettings, Settings

_RECORD_AGAIN = "Make the course again with the model (generate --refresh), and record that job."


@dataclass(frozen=True, slots=True)
class _Row:
    task_key: str
    kind: str
    turn: int
    model: str
    reply: dict[str, Any] | None
    dollars: float
    seconds: float


async def record(program: Coursewright, job_id: UUID) -> Recording:
    """Return what a finished job of the author `llm` was answered. Raises InvalidRequest when it cannot be told."""
    job = await program.jobs.get(job_id)
    request = course_request(job.job_data, job.base_class_id)
    if request.author != "llm" or job.status != JobStatus.COMPLETED or job.base_class_id is None:
        raise InvalidRequest(
            f"Job {str(job_id)[:8]} has no replies to record: author {request.author}, {job.status}.",
            hint="Name a finished job that a model wrote; `coursewright jobs` lists them.",
        )
    course, _ = await program.course(job_id)
    async with connected(program.pool) as connection:
        rows = await fetch_all(connection, _Row, sql(__package__, "replies_of_job"), {"job": job_id})
    keys = {
        ((task.result_metadata or {}).get("key"), task.task_type): task.task_identifier
        for task in await program.jobs.tasks(job_id)
    }
    replies = tuple(_recorded(row, keys) for row in rows if row.reply is not None)
    if not replies or len(replies) < len(rows):
        raise InvalidRequest(
            f"{len(rows) - len(replies)} of {len(rows)} replies to job {str(job_id)[:8]} were deleted meanwhile.",
            hint=_RECORD_AGAIN,
        )
    models = {row.kind: row.model for row in rows}
    abilities = {}
    for model in dict.fromkeys(models.values()):
        provider = await program.providers.get(model.partition(":")[0], LOCAL_ORGANISATION)
        abilities[model] = provider.abilities(model.partition(":")[2])
    head = Head(
        prompts=course.provenance.versions["llm"].rpartition("prompts-")[2],
        models=models,
        abilities=abilities,
        request=request,
    )
    passages = await program.documents.passages(LOCAL_ORGANISATION, job.base_class_id)
    return Recording(head, tuple(passages), replies)


def _recorded(row: _Row, tasks: Mapping[tuple[str | None, str], str]) -> RecordedReply:
    assert row.reply is not None  # noqa: S101 - the caller has looked
    reply = reply_from_json(row.reply)
    key, _, part = row.task_key.partition("/")
    return RecordedReply(
        task=place(tasks[key, row.kind]),
        part=part,
        kind=row.kind,
        turn=row.turn,
        model=row.model,
        text=reply.text,
        finish=reply.finish,
        usage=reply.usage,
        dollars=row.dollars,
        seconds=row.seconds,
    )


async def replay(recording: Recording, settings: Settings) -> Scores:
    """Judge a recording with the program as it is now. Asks nobody and writes into no database of the user's.

    Raises InvalidRequest when the recording does not fit this program.
    """
    head = recording.head
    recorded: list[Recorded] = []

    def providers(pool: Pool) -> RecordedProviders:
        async def turn_of(call: UUID) -> int:
            async with connected(pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
                await cursor.execute(sql(__package__, "turn_of_call"), {"call": call})
                return int(await cursor.fetchone() or 0)

        recorded.append(Recorded(recording, turn_of))
        return RecordedProviders(recorded[0])

    with tempfile.TemporaryDirectory(prefix="coursewright-eval-", ignore_cleanup_errors=True) as folder:
        async with open_coursewright(_alone(settings, head, Path(folder)), providers=providers) as program:
            base = await _take_in(program, recording)
            job_id, _ = await program.enqueue(base, head.request, terms=JobTerms(fallbacks=()))
            await program.finish(job_id)
            if 0 in recorded[0].missing:
                raise InvalidRequest(
                    f"The recording has no reply for {recorded[0].missing.count(0)} of the calls that the program "
                    "makes now.",
                    hint=f"The program makes another outline or other tasks than it did then. {_RECORD_AGAIN}",
                )
            course, quality = await program.course(job_id)
            tasks = await program.jobs.tasks(job_id)
            async with connected(program.pool) as connection:
                verdicts = await fetch_all(connection, Verdict, sql(__package__, "verdicts_of_job"), {"job": job_id})
    questions = [task for task in tasks if task.output_data and "questions" in task.output_data]
    return score(
        recording,
        course,
        quality,
        verdicts,
        used=recorded[0].used,
        unanswered=len(recorded[0].missing),
        substituted=sum("substituted" in (task.result_metadata or {}) for task in tasks),
        written=sum("key" in (task.result_metadata or {}) for task in tasks),
        questions_wanted=sum(QuestionPlan.model_validate(task.input_data["plan"]).wanted for task in questions),
        questions_kept=sum(len(task.output_data["questions"]) for task in questions if task.output_data),
    )


def _alone(settings: Settings, head: Head, folder: Path) -> Settings:
    """Return settings of a program that shares nothing with the user's: a database of its own, no bells, no keys."""
    model = next(iter(head.models.values()))
    free = dict.fromkeys(head.models.values(), "0")  # what replies cost is in the recording
    return settings.model_copy(
        update={
            "database_url": None,
            "data_dir": folder,
            "redis_url": None,
            "qstash_token": None,
            "providers": ProviderSettings(model=model, models=head.models),
            "gateway": settings.gateway.model_copy(update={"prices": free, "limits": {}, "month_budget": None}),
            "documents": settings.documents.model_copy(update={"embedder": ""}),
        }
    )


async def _take_in(program: Coursewright, recording: Recording) -> KnowledgeBase:
    base_id = uuid5(LOCAL_ORGANISATION, recording.knowledge_base)
    await program.documents.add_knowledge_base(LOCAL_ORGANISATION, base_id, recording.knowledge_base)
    names = dict.fromkeys(passage.document for passage in recording.passages)
    for name in names:
        passages = tuple(passage for passage in recording.passages if passage.document == name)
        first = passages[0]
        document = ReadDocument(
            title=first.title,
            text="\n\n".join(passage.text for passage in passages),
            spans=(),
            language=first.language,
            licence=first.licence,
            attribution=first.attribution,
        )
        await program.documents.add_document(base_id, name, b"", uuid4().hex)
        await program.documents.record(base_id, FileRead(name, document, passages))
    return KnowledgeBase(base_id, len(names), len(recording.passages), (), ())


__all__ = ["record", "replay"]
