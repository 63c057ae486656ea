"""What things are called where people read of them: the beginning of an id; a job's title, or that of its documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from coursewright.cli.console import stdout
from coursewright.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.queue import Job


def short(id_: UUID) -> str:
    """Return the beginning of an id, which is enough to name a job or a key."""
    return str(id_)[:8]


def listed(id_: UUID) -> str:
    """Return an id as a list shows it: its beginning to people, the whole of it to programs."""
    return short(id_) if stdout.is_terminal else str(id_)


def whole(start: str, ids: Iterable[UUID], listing: str) -> UUID:
    """Return the id of a key that begins with `start`; `listing` is the command that lists them.

    Raises NotFound, InvalidRequest.
    """
    found = [id_ for id_ in ids if start and str(id_).startswith(start.lower())]
    if len(found) > 1:
        raise InvalidRequest(f"Several keys begin with {start}.", hint="Write more of the id.")
    if not found:
        raise NotFound(f"There is no key {start}.", hint=f"`{listing}` lists the keys.")
    return found[0]


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


def asked_of(job: Job) -> dict[str, Any]:
    """Return what a job asks for; nothing where another program wrote what is no object."""
    return job.job_data if isinstance(job.job_data, dict) else {}


def _title(job: Job) -> str:
    message = (job.result_data or {}).get("message", "")
    asked = asked_of(job).get("request", asked_of(job))  # as the command line writes it, else in the API's words
    named = asked.get("title") if isinstance(asked, dict) else None
    return str(named or "") or (message.split("”")[0].lstrip("“") if "”" in message else "")


__all__ = ["asked_of", "listed", "short", "titles", "whole"]
