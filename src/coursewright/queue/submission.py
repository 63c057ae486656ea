"""Asking for a job on behalf of a user: the idempotency key, the limits, the job and its entry in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row, scalar_row
from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool, mapped_errors
from coursewright.db.queries import sql
from coursewright.errors import CoursewrightError, InvalidRequest, LimitReached, NotFound
from coursewright.queue.model import TaskSpec
from coursewright.settings import LimitSettings, RoleLimits, Windows

_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job that came of a request; `replayed` when an earlier request with the same key made it."""

    job_id: UUID
    status: str
    replayed: bool


class Submissions:
    """Accepts requests for jobs within limits."""

    def __init__(self, pool: Pool, limits: LimitSettings, *, max_rescues: int) -> None:
        self._pool = pool
        self._limits = limits
        self._max_rescues = max_rescues

    async def submit(
        self,
        job_type: str,
        body: Mapping[str, Any],
        config: Mapping[str, Any],
        *,
        organisation_id: UUID,
        user_id: UUID,
        base_class_id: UUID,
        role: str | None,
        priority: int = 5,
        scheduled_for: datetime | None = None,
        idempotency_key: str | None = None,
        settled: Mapping[str, Any] | None = None,
    ) -> Submitted:
        """Enqueue a job once. No role: no limits. `settled` is kept with the body, and is no part of what was asked.

        Raises LimitReached; InvalidRequest for a key used otherwise; and where the tables are an application's, which
        does not know the user or the organisation (InvalidRequest) or the knowledge base (NotFound).
        """
        parameters = {
            "organisation": organisation_id,
            "submitter": user_id,
            "base": base_class_id,
            "kind": job_type,
            "body": Jsonb({**body, **(settled or {})}),
            "config": Jsonb(dict(config)),
            "retries": Jsonb({"maxRetriesPerTask": TaskSpec("", "").max_retries, "maxRescues": self._max_rescues}),
            "rank": priority,
            "due": scheduled_for,
            "key": idempotency_key,
            "fingerprint": _fingerprint(body, job_type, priority, scheduled_for),
            "windows": Jsonb(windows(self._limits, role)),
            "at_once": at_once(self._limits, role),
        }
        with mapped_errors():
            try:
                async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                    await cursor.execute(sql(__package__, "submit"), parameters)
                    answer = await cursor.fetchone() or {}
            except ForeignKeyViolation as error:
                columns = await self._referring(error.diag.constraint_name)
                raise _unknown_there(columns, organisation_id, user_id, base_class_id) from error
        if answer["mismatch"]:
            raise InvalidRequest(
                f"The Idempotency-Key {idempotency_key!r} was used for another request.",
                hint="Use a new key for a new request; the same key only repeats the same one.",
            )
        if answer["refused"]:
            raise _limit_reached(answer["refused"])
        return Submitted(answer["job"], answer["state"], answer["replayed"])

    async def _referring(self, constraint: str | None) -> list[str]:
        async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, "referring_columns"), {"constraint": constraint})
            return await cursor.fetchall()


async def forget_old_submissions(pool: Pool) -> None:
    """Delete idempotency keys and counted requests that have had their day."""
    with mapped_errors():
        async with pool.connection() as connection:
            await connection.execute(sql(__package__, "forget_old_submissions"))


def windows(limits: LimitSettings, role: str | None) -> list[dict[str, Any]]:
    """Return the windows that a request of this role must fit into."""
    if not limits.enabled or role is None:
        return []
    scopes: Sequence[tuple[str, Windows]] = (
        ("global", limits.everyone),
        ("organisation", limits.organisation),
        ("user", _of_role(limits, role)),
    )
    return [
        {"scope": scope, "seconds": seconds, "most": most}
        for scope, window in scopes
        for name, seconds in _SECONDS.items()
        if (most := getattr(window, name)) is not None
    ]


def at_once(limits: LimitSettings, role: str | None) -> int | None:
    """Return how many jobs of a user in this role may be under way at once; None: as many as like."""
    return None if not limits.enabled or role is None else _of_role(limits, role).at_once


def _of_role(limits: LimitSettings, role: str) -> RoleLimits:
    own = getattr(limits, role) if role in LimitSettings.model_fields else None  # a token may name anything
    return own if isinstance(own, RoleLimits) else limits.student


def _fingerprint(body: Mapping[str, Any], *beside: object) -> str:
    text = json.dumps([dict(body), *(str(each) for each in beside)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _unknown_there(
    columns: Sequence[str], organisation_id: UUID, user_id: UUID, base_class_id: UUID
) -> CoursewrightError:
    """Tell which of its own rows the application lacks."""
    if "base_class_id" in columns:
        return NotFound(
            f"The application has no knowledge base {base_class_id}, whatever was uploaded under that id.",
            hint="Make it in the application first, then upload into its id.",
        )
    asked = f"user {user_id}" if "user_id" in columns else f"organisation {organisation_id}"
    return InvalidRequest(
        f"The application has no {asked}, in whose name this was asked.",
        hint="Use a key of one of its users: coursewright keys create --user UUID --organisation UUID.",
    )


def _limit_reached(window: Mapping[str, Any]) -> LimitReached:
    names = {seconds: name for name, seconds in _SECONDS.items()}
    whose = {"user": "you", "organisation": "your organisation", "global": "all users together"}[window["scope"]]
    return LimitReached(
        f"The limit of {window['most']} courses in a {names[round(window['seconds'])]} for {whose} is reached.",
        hint="Wait as long as Retry-After says; jobs that are queued already go on.",
        retry_after=float(window["retry_after"]),
    )


__all__ = ["Submissions", "Submitted", "at_once", "forget_old_submissions", "windows"]
