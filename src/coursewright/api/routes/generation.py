"""Asking for courses, and the list of jobs: `/api/course-generation/v2`."""

import base64
import binascii
from collections import Counter
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from coursewright.api.callers import Caller, Ours, is_owner, shown_to
from coursewright.api.problems import responses
from coursewright.api.schemas import (
    AnalysisDetails,
    BaseAnalysis,
    CostEstimate,
    Enqueued,
    ExistingOutline,
    GenerationMode,
    GenerationModes,
    JobList,
    JobRow,
    JobState,
    KnowledgeBaseAnalysis,
    Order,
    Outline,
)
from coursewright.errors import InvalidRequest
from coursewright.organisation import Accepted, Organisation

router = APIRouter(prefix="/api/course-generation/v2", tags=["generation"])

_MOST_NAMED = 20  # fields in a message

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Repeats with the same key and body give the same job, for 24 hours; another body is refused.",
    ),
]


@router.post(
    "",
    status_code=202,
    response_model=Enqueued,
    summary="Ask for a course",
    responses={
        202: {"description": "The job is queued; a worker begins it as soon as one is free."},
        **responses(404, 429),
    },
)
async def ask(order: Order, principal: Caller, ours: Ours, response: Response, key: Key = None) -> Enqueued:
    """Enqueue a course and answer at once; the work happens in a worker or in ticks."""
    accepted = await ours.submit(
        order,
        principal,
        limited=not is_owner(principal),
        job_type=order.job_type,
        priority=order.priority,
        scheduled_for=order.scheduled_for,
        urgency=order.urgency,
        idempotency_key=key,
    )
    job, choice = accepted.job, accepted.choice
    response.headers["Location"] = f"/api/knowledge-base/generation-status/{job.job_id}"
    return Enqueued(
        job_id=job.job_id,
        status=job.status,
        message=_message(order, accepted),
        author=choice.author,
        model=choice.model,
        estimate=CostEstimate.model_validate(choice.estimate) if choice.estimate else None,
    )


def _message(order: Order, accepted: Accepted) -> str:
    what = "outline" if order.job_type == "generate_outline" else "course"
    told = [f"The {what} is queued."]
    if order.scheduled_for and order.scheduled_for > datetime.now(UTC):
        told = [f"The {what} is queued and begins at {order.scheduled_for.isoformat()}."]
    if accepted.job.replayed:
        told = ["This request was accepted before; this is its job."]
    told += accepted.choice.notes
    if accepted.unhonoured:
        told.append(f"Left out, because it takes a model: {', '.join(accepted.unhonoured)}.")
    if accepted.overruled:
        told.append(f"As the outline has it, not as asked: {', '.join(accepted.overruled)}.")
    if unknown := sorted(order.model_extra or {}):
        more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
        told.append(f"Not known here, and ignored: {', '.join(unknown[:_MOST_NAMED])}{more}.")
    return " ".join(told)


@router.get(
    "",
    response_model=JobList | BaseAnalysis,
    summary="List jobs, or say what a knowledge base is good for",
    responses=responses(404),
)
async def look(
    principal: Caller,
    ours: Ours,
    base_class_id: Annotated[
        UUID | None, Query(alias="baseClassId", description="Then the answer is about this knowledge base.")
    ] = None,
    status: Annotated[list[JobState] | None, Query(description="Jobs in these states only.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`nextCursor` of the answer before.", max_length=200)] = None,
) -> JobList | BaseAnalysis:
    """Without `baseClassId`: jobs, newest first (the organisation's, or a student's own). With it: what it holds."""
    if base_class_id is not None:
        return await _base(ours, base_class_id)
    rows = await ours.pages.jobs(
        most=limit + 1,
        statuses=status,
        before=_place(cursor) if cursor else None,
        user_id=shown_to(principal),
    )
    jobs = [JobRow.model_validate(row) for row in rows[:limit]]
    return JobList(jobs=jobs, next_cursor=_cursor(jobs[-1]) if len(rows) > limit else None)


async def _base(ours: Organisation, base_class_id: UUID) -> BaseAnalysis:
    found = await ours.analysis(base_class_id)
    analysis = found.analysis
    documents = [each for each in await ours.library.documents(base_class_id) if each.status == "completed"]
    kinds = Counter(PurePosixPath(each.name).suffix.lstrip(".").lower() or "other" for each in documents)
    outlines = await ours.outlines(base_class_id)
    return BaseAnalysis(
        knowledge_base_analysis=KnowledgeBaseAnalysis(
            total_documents=analysis.documents,
            total_chunks=analysis.passages,
            content_depth=analysis.depth,
            subject_coverage=list(analysis.subjects),
            recommended_generation_mode=analysis.recommended_mode,
            analysis_details=AnalysisDetails(
                document_types=dict(sorted(kinds.items())),
                average_chunks_per_document=round(analysis.passages / max(1, analysis.documents), 1),
                content_quality=analysis.quality,
                concept_coverage=[concept.term for concept in analysis.concepts],
                knowledge_gaps=list(analysis.gaps),
                learning_objectives=list(found.objectives),
            ),
        ),
        generation_modes=_modes(analysis.depth, analysis.quality, analysis.passages),
        recommended_mode=analysis.recommended_mode,
        existing_course_outlines=[
            ExistingOutline(
                id=row["id"],
                job_id=row["id"],
                title=row["outline"]["title"],
                job_type=row["job_type"],
                status=row["status"],
                created_at=row["created_at"],
                outline=Outline.model_validate(row["outline"]),
            )
            for row in outlines
            if row["outline"]
        ],
    )


def _modes(depth: str, quality: str, passages: int) -> GenerationModes:
    enough = passages >= 40
    return GenerationModes(
        kb_only=GenerationMode(
            title="Knowledge base only",
            description="Every statement comes from your documents and cites them.",
            suitable=enough and depth == "comprehensive" and quality == "high",
        ),
        kb_priority=GenerationMode(
            title="Knowledge base first",
            description="Your documents carry the course; what a model adds is marked.",
            suitable=enough and depth != "minimal" and quality != "low",
        ),
        kb_supplemented=GenerationMode(
            title="Knowledge base and more",
            description="A model fills in what your documents leave open; what it adds is marked.",
            suitable=True,
        ),
    )


def _cursor(job: JobRow) -> str:
    return base64.urlsafe_b64encode(f"{job.created_at.isoformat()} {job.id}".encode()).decode()


def _place(cursor: str) -> tuple[datetime, UUID]:
    try:
        time, _, job_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        place = datetime.fromisoformat(time), UUID(job_id)
    except (ValueError, binascii.Error) as error:
        raise InvalidRequest("The cursor is not one of ours.", hint="Take `nextCursor` as it came.") from error
    if place[0].tzinfo is None:
        raise InvalidRequest("The cursor is not one of ours.", hint="Take `nextCursor` as it came.")
    return place


__all__ = ["router"]
