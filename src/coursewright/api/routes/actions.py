"""What users do to jobs; each act is written down."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body

from coursewright.api.callers import Caller, Ours, OwnJob, refuse_others_job
from coursewright.api.problems import responses
from coursewright.api.schemas import Done, Health, TaskChoice, UserAction
from coursewright.errors import Conflict, InvalidRequest
from coursewright.organisation import Organisation

router = APIRouter(tags=["actions"], responses=responses(404, 409))
_SILENT = 300.0  # seconds without progress that are worth a look


@router.post("/api/course-generation/v2/user-action", summary="Act on a job")
async def user_action(action: UserAction, principal: Caller, ours: Ours) -> Done:
    """Retry or skip tasks; pause, resume or cancel a job; note that its report was exported."""
    job_id = action.job_id
    await refuse_others_job(job_id, principal, ours)
    ids = await ours.task_ids(job_id, action.task_ids)
    match action.action_type:
        case "retry_task" | "skip_task" if not ids:
            raise InvalidRequest("No task is named.", hint="List them in taskIds.")
        case "retry_task":
            message = await _retry(ours, job_id, ids)
        case "skip_task":
            count = await ours.jobs.skip(job_id, ids)
            if not count:
                raise Conflict(
                    "None of these tasks can be skipped.",
                    hint="Finished tasks cannot, nor those without which there is no course.",
                )
            message = f"{count} {'task is' if count == 1 else 'tasks are'} skipped."
        case "pause_job":
            await ours.jobs.pause(job_id)
            message = "The job is paused; what runs is finished and kept."
        case "resume_job":
            message = await ours.go_on(job_id)
        case "cancel_job":
            await ours.jobs.cancel(job_id)
            message = "The job is cancelled."
        case "export_report":
            message = f"The report is at POST /api/course-generation/v2/export/{job_id}."
    await ours.pages.record_action(job_id, principal.user_id, action.action_type, ids, action.action_context)
    return Done(message=message)


@router.post("/api/knowledge-base/jobs/{jobId}/regenerate", summary="Do a task anew", dependencies=[OwnJob])
async def regenerate(jobId: UUID, choice: TaskChoice, principal: Caller, ours: Ours) -> Done:  # noqa: N803
    """Make the result of one task again, and all that follows from it."""
    named = str(choice.task_id) if choice.task_id else choice.task_identifier
    if not named:
        raise InvalidRequest("No task is named.", hint="Send taskId or taskIdentifier.")
    ids = await ours.task_ids(jobId, [named])
    message = await _retry(ours, jobId, ids)
    await ours.pages.record_action(jobId, principal.user_id, "regenerate", ids)
    return Done(message=message)


@router.post("/api/knowledge-base/jobs/{jobId}/resume", summary="Go on with a job", dependencies=[OwnJob])
async def resume(jobId: UUID, principal: Caller, ours: Ours) -> Done:  # noqa: N803
    """Resume a paused job, or do what failed in an ended one again; what is finished stays."""
    message = await ours.go_on(jobId)
    await ours.pages.record_action(jobId, principal.user_id, "resume_job")
    return Done(message=message)


@router.post("/api/knowledge-base/jobs/{jobId}/restart", summary="Do a job anew", dependencies=[OwnJob])
async def restart(jobId: UUID, principal: Caller, ours: Ours) -> Done:  # noqa: N803
    """Do every task of an ended job again."""
    message = await ours.restart(jobId)
    await ours.pages.record_action(jobId, principal.user_id, "restart")
    return Done(message=message)


@router.post("/api/knowledge-base/jobs/{jobId}/clear", summary="Take a job from the active ones", dependencies=[OwnJob])
async def clear(jobId: UUID, principal: Caller, ours: Ours) -> Done:  # noqa: N803
    """Hide a job from the list of active jobs."""
    await ours.clear(jobId)
    await ours.pages.record_action(jobId, principal.user_id, "clear")
    return Done(message="The job is cleared.")


@router.get("/api/knowledge-base/jobs/{jobId}/health", summary="Whether a job gets on")
async def health(jobId: UUID, ours: Ours) -> Health:  # noqa: N803
    """Say whether a job makes progress, and which tasks' workers are silent."""
    return await _health(ours, jobId)


@router.post("/api/knowledge-base/jobs/{jobId}/health", summary="Whether a job gets on, and mend it")
async def mend(jobId: UUID, principal: Caller, ours: Ours, _: Annotated[object, Body()] = None) -> Health:  # noqa: N803
    """Ring the doorbell for a job that waits, then say whether it makes progress."""
    await ours.jobs.get(jobId, ours.id)
    await ours.pages.ring(jobId)
    await ours.pages.record_action(jobId, principal.user_id, "health_check")
    return await _health(ours, jobId)


async def _retry(ours: Organisation, job_id: UUID, ids: list[UUID]) -> str:
    count = await ours.jobs.retry(job_id, ids)
    if not count:
        raise Conflict(
            "None of these tasks can be done again now.", hint="Tasks that wait or run are not finished yet."
        )
    return f"{count} {'task is' if count == 1 else 'tasks are'} done again, and what follows."


async def _health(ours: Organisation, job_id: UUID) -> Health:
    row = await ours.pages.job(job_id)
    silent = await ours.pages.silent_tasks(job_id)
    idle = max(0.0, (datetime.now(UTC) - row["updated_at"]).total_seconds())
    status = row["status"]
    waits = status == "processing" and idle > _SILENT
    if silent:
        message = f"The workers of {len(silent)} tasks are silent; others take over."
    elif waits:
        message = "Nothing has happened for a while. Is a worker running?"
    elif status == "queued":
        message = "The job waits for its turn."
    else:
        message = "The job gets on." if status == "processing" else f"The job is {status}."
    return Health(
        healthy=not silent and not waits and status != "failed",
        status=status,
        message=message,
        seconds_since_progress=round(idle, 1),
        stuck_tasks=silent,
    )


__all__ = ["router"]
