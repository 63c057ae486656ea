"""Outlines that one job made and another takes up: `courseOutlineId`, the id of the job that made it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from coursewright.course.plan import Analysis, Outline
from coursewright.errors import InvalidRequest, NotFound
from coursewright.generation.graph import ANALYSIS, OUTLINE
from coursewright.queue import Job, JobQueue, TaskStatus

_HINT = "GET /api/course-generation/v2?baseClassId= lists the outlines there are."


def outline_id(job_data: Mapping[str, Any]) -> UUID | None:
    """Return whose outline a job takes up, None for one of its own; `job_data` was checked as a wish."""
    named = job_data.get("courseOutlineId")
    return UUID(named) if named and named.strip() else None


async def take_up(
    jobs: JobQueue, made_by: UUID, organisation_id: UUID, base_class_id: UUID
) -> tuple[Job, Analysis, Outline]:
    """Return the job that made an outline, the analysis beneath it, and the outline.

    Raises NotFound, and InvalidRequest for one of another knowledge base.
    """
    missing = NotFound(f"There is no outline {made_by} that could be taken up.", hint=_HINT)
    try:
        job = await jobs.get(made_by, organisation_id)
    except NotFound:
        raise missing from None
    tasks = await jobs.tasks(made_by, [ANALYSIS, OUTLINE])
    made = {each.task_identifier: each.output_data for each in tasks if each.status == TaskStatus.COMPLETED}
    if not (made.get(ANALYSIS) and made.get(OUTLINE)):
        raise missing
    if job.base_class_id != base_class_id:  # its passages are of that one
        raise InvalidRequest(
            f"The outline {made_by} is of the knowledge base {job.base_class_id}, not of {base_class_id}.",
            hint="Name its knowledge base as baseClassId.",
        )
    return job, Analysis.model_validate(made[ANALYSIS]), Outline.model_validate(made[OUTLINE])


__all__ = ["outline_id", "take_up"]
