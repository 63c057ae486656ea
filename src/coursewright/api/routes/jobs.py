"""One job: how far it is, its tasks, errors and measures; and the list of active ones."""

from collections import Counter
from uuid import UUID

from fastapi import APIRouter

from coursewright.api.callers import Caller, Ours, OwnJob, shown_to
from coursewright.api.problems import responses
from coursewright.api.schemas import (
    ActiveJob,
    ActiveJobs,
    Analytics,
    AnalyticsAnswer,
    Done,
    ErrorRow,
    Errors,
    GenerationStatus,
    JobAnswer,
    JobPage,
    Message,
    Outline,
    Task,
    Tasks,
    TaskSummary,
)

router = APIRouter(tags=["jobs"], responses=responses(404))
_MESSAGES = 50
_ACTIVE = 5


@router.get("/api/knowledge-base/generation-status/{jobId}", summary="How far a job is")
async def generation_status(jobId: UUID, ours: Ours) -> GenerationStatus:  # noqa: N803 - the contract's name
    """Return what a page that polls shows: the job, its outline, its newest messages."""
    row = await ours.pages.job(jobId, messages=_MESSAGES)
    return GenerationStatus(
        job=JobPage.model_validate(row),
        course_outline=Outline.model_validate(row["outline"]) if row["outline"] else None,
        messages=[Message.model_validate(each) for each in row["messages"]],
        eta_seconds=row["eta_seconds"],
        spend_usd=row["spend_usd"],
    )


@router.get("/api/course-generation/v2/job/{jobId}", summary="One job")
async def job(jobId: UUID, ours: Ours) -> JobAnswer:  # noqa: N803
    """Return the job's row."""
    return JobAnswer(job=JobPage.model_validate(await ours.pages.job(jobId)))


@router.get("/api/course-generation/v2/tasks/{jobId}", summary="The tasks of a job")
async def tasks(jobId: UUID, ours: Ours) -> Tasks:  # noqa: N803
    """Return every task with its state, attempts, durations, error and recovery suggestions, and counts."""
    await ours.jobs.get(jobId, ours.id)
    found = [Task.model_validate(row) for row in await ours.pages.tasks(jobId)]
    by_type: dict[str, list[Task]] = {}
    for task in found:
        by_type.setdefault(task.task_type, []).append(task)
    counts = Counter(task.status for task in found)
    return Tasks(
        tasks=found,
        tasks_by_type=by_type,
        summary=TaskSummary(
            total=len(found),
            pending=counts["pending"] + counts["queued"] + counts["retrying"],
            running=counts["running"],
            completed=counts["completed"],
            failed=counts["failed"],
            skipped=counts["skipped"],
            cancelled=counts["cancelled"],
        ),
    )


@router.get("/api/course-generation/v2/errors/{jobId}", summary="What went wrong in a job")
async def errors(jobId: UUID, ours: Ours) -> Errors:  # noqa: N803
    """Return every failure of every attempt, also of those that succeeded later."""
    await ours.jobs.get(jobId, ours.id)
    found = [ErrorRow.model_validate(row) for row in await ours.pages.errors(jobId)]
    return Errors(errors=found, errors_by_category=dict(Counter(row.error_category or "unknown" for row in found)))


@router.get("/api/course-generation/v2/analytics/{jobId}", summary="What a job has taken")
async def analytics(jobId: UUID, ours: Ours) -> AnalyticsAnswer:  # noqa: N803
    """Return durations, attempts, retries and money, altogether and by kind of task."""
    await ours.jobs.get(jobId, ours.id)
    row = await ours.pages.measures(jobId)
    return AnalyticsAnswer(analytics=Analytics.model_validate(row.pop("performance") | row))


@router.get("/api/course-generation/active-jobs", summary="The newest jobs that nobody has dismissed")
async def active_jobs(principal: Caller, ours: Ours) -> ActiveJobs:
    """Return the five newest jobs that are not cleared: the organisation's, or a student's own."""
    rows = await ours.pages.jobs(most=_ACTIVE, uncleared=True, user_id=shown_to(principal))
    names = await ours.library.names([row["base_class_id"] for row in rows if row["base_class_id"]])
    return ActiveJobs(
        jobs=[
            ActiveJob(
                id=row["id"],
                status=row["status"],
                progress=row["progress_percentage"],
                base_class_id=row["base_class_id"],
                base_class_name=names.get(row["base_class_id"]),
                title=row["job_data"].get("title") or (row["job_data"].get("request") or {}).get("title"),
                error=row["error_message"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
                total_tasks=row["total_tasks"],
                completed_tasks=row["completed_tasks"],
                failed_tasks=row["failed_tasks"],
            )
            for row in rows
        ]
    )


@router.post(
    "/api/course-generation/dismiss-job/{jobId}", summary="Take a job from the active ones", dependencies=[OwnJob]
)
async def dismiss_job(jobId: UUID, principal: Caller, ours: Ours) -> Done:  # noqa: N803
    """Hide a job from the list of active jobs; the job goes on, and its course stays."""
    await ours.clear(jobId)
    await ours.pages.record_action(jobId, principal.user_id, "dismiss_job")
    return Done(message="The job is dismissed.")


@router.delete("/api/course-generation/v2/job/{jobId}", summary="Forget a job", dependencies=[OwnJob])
async def forget(jobId: UUID, ours: Ours) -> Done:  # noqa: N803
    """Delete a job with its tasks, its course and its story; work under way stops."""
    await ours.pages.forget(jobId)
    return Done(message="The job and its course are deleted.")


__all__ = ["router"]
