"""The report on a job as a file."""

import asyncio
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response

from coursewright.api.callers import Caller, Ours
from coursewright.api.problems import responses
from coursewright.api.report import FORMATS, Report
from coursewright.api.schemas import Words

router = APIRouter(tags=["jobs"])
_MESSAGES = 500

ReportFormat = Literal["json", "csv", "pdf"]


class ReportWish(Words):
    format: ReportFormat = "json"


@router.post(
    "/api/course-generation/v2/export/{jobId}",
    summary="The report on a job",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {kind.partition(";")[0]: {} for kind, _ in FORMATS.values()},
        },
        **responses(404),
    },
)
async def export_report(
    jobId: UUID,  # noqa: N803 - the contract's name
    principal: Caller,
    ours: Ours,
    wish: Annotated[ReportWish | None, Body()] = None,
    wanted: Annotated[ReportFormat | None, Query(alias="format", description="Instead of the body.")] = None,
) -> Response:
    """Return job, tasks, failures, user actions and measures; as CSV one line a task."""
    job = await ours.pages.job(jobId, messages=_MESSAGES)
    report = Report(
        job=job,
        tasks=await ours.pages.tasks(jobId),
        errors=await ours.pages.errors(jobId),
        actions=await ours.pages.actions(jobId),
        measures=await ours.pages.measures(jobId),
    )
    name = wanted or (wish.format if wish else "json")
    kind, render = FORMATS[name]
    content = await asyncio.to_thread(render, report)
    await ours.pages.record_action(jobId, principal.user_id, "export_report", (), {"format": name})
    return Response(
        content,
        media_type=kind,
        headers={"Content-Disposition": f'attachment; filename="report-{jobId}.{name}"'},
    )


__all__ = ["router"]
