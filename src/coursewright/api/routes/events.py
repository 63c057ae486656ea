"""A job's events as they happen (Server-Sent Events, WHATWG HTML), numbered, so that a reconnect misses none."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from coursewright.api.callers import Ours, Program
from coursewright.api.problems import responses
from coursewright.api.watch import Watch
from coursewright.errors import NotFound
from coursewright.organisation import Organisation
from coursewright.queue.jobs import Event

router = APIRouter(tags=["jobs"], responses=responses(404))

_ENDS = frozenset({"job_completed", "job_failed", "job_cancelled"})
_RETRY = 2000  # milliseconds before a client connects again


@router.get(
    "/api/course-generation/v2/events/{jobId}",
    summary="A job's events as they happen",
    response_class=Response,
    responses={
        200: {
            "description": "Events with a number each: `id` for Last-Event-ID, `event` for the kind, `data` as JSON "
            "with counts. `end` is the last, when the job has ended.",
            "content": {"text/event-stream": {}},
        },
        204: {"description": "The job has ended and every event was seen: do not connect again."},
    },
)
async def events(
    jobId: UUID,  # noqa: N803 - the contract's name
    request: Request,
    ours: Ours,
    program: Program,
    last: Annotated[int, Header(alias="Last-Event-ID", ge=0, le=2**31 - 1, description="The number seen last.")] = 0,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="The same, for a first connection.")] = 0,
) -> Response:
    """Stream every event above the last one seen, then each one as it happens."""
    job = await ours.jobs.get(jobId, ours.id)
    seen = max(last, after)
    if job.status.is_final and seen >= job.event_count:
        return Response(status_code=204)
    watch: Watch = request.app.state.watch
    patience = program.settings.api.keepalive_seconds
    return StreamingResponse(
        _stream(watch, ours, jobId, seen, patience),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


async def _stream(watch: Watch, ours: Organisation, job_id: UUID, after: int, patience: float) -> AsyncIterator[bytes]:
    yield f"retry: {_RETRY}\n\n".encode()
    async for event in watch.events(job_id, after, patience):
        if event is None:
            yield b": still here\n\n"
        else:
            yield _told(event)
        if event is None or event.kind in _ENDS:
            try:
                job = await ours.jobs.get(job_id, ours.id)
            except NotFound:
                yield _framed("end", {"status": "cancelled", "error": "The job was deleted."})
                return
            number = event.number if event else job.event_count
            if job.status.is_final and number >= job.event_count:
                yield _framed("end", {"status": job.status, "error": job.error_message})
                return


def _told(event: Event) -> bytes:
    told = event.payload | {"number": event.number, "createdAt": event.created_at.isoformat()}
    return f"id: {event.number}\n".encode() + _framed(event.kind, told)


def _framed(kind: str, told: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


__all__ = ["router"]
