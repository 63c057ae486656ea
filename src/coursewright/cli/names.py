"""What a job is called where people read of it: its title, or the name of the documents it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.queue import Job


def short(job_id: UUID) -> str:
    """Return the beginning of a job's id, which is enough to name it."""
    return str(job_id)[:8]


async def titles(program: Coursewright, jobs: Sequence[Job]) -> dict[UUID, str]:
    """Return the title of each job: the one asked for, that of its course, or the name of its documents."""
    found = {job.id: _title(job) for job in jobs}
    bases: dict[UUID, list[UUID]] = {}
    for job in jobs:
        if not found[job.id] and job.organisation_id and job.base_class_id:
            bases.setdefault(job.organisation_id, []).append(job.base_class_id)
    names: dict[UUID, str] = {}
    for organisation, ids in bases.items():
        names |= await program.organisation(organisation).library.names(ids)
    return {job.id: found[job.id] or (job.base_class_id and names.get(job.base_class_id)) or "Untitled" for job in jobs}


def _title(job: Job) -> str:
    message = (job.result_data or {}).get("message", "")
    named: str = job.job_data.get("request", {}).get("title") or ""
    return named or (message.split("”")[0].lstrip("“") if "”" in message else "")


__all__ = ["short", "titles"]
