"""What the pages of a front end read about jobs: rows as they are in the tables, under the names of their columns."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool, mapped_errors
from coursewright.db.queries import sql
from coursewright.errors import NotFound

Row: TypeAlias = dict[str, Any]


class JobPages:
    """Reads for pages. Every question names the organisation that asks; what is not its own does not exist."""

    def __init__(self, pool: Pool, organisation_id: UUID) -> None:
        self._pool = pool
        self._organisation_id = organisation_id

    async def job(self, job_id: UUID, *, messages: int = 0) -> Row:
        """Return a job with counts of its tasks, its outline, and its newest messages, oldest first."""
        rows = await self._rows("job_page", job_id=job_id, messages=messages)
        if not rows:
            raise NotFound(f"There is no job {job_id}.", hint="GET /api/course-generation/v2 lists the jobs.")
        return rows[0]

    async def jobs(
        self,
        *,
        most: int,
        statuses: Sequence[str] | None = None,
        before: tuple[datetime, UUID] | None = None,
        uncleared: bool = False,
        user_id: UUID | None = None,
    ) -> list[Row]:
        """Return jobs (of one user, if named), newest first, from behind the place `before`."""
        return await self._rows(
            "job_list",
            statuses=None if statuses is None else list(statuses),
            before_time=before[0] if before else None,
            before_id=before[1] if before else None,
            most=most,
            uncleared=uncleared,
            user_id=user_id,
        )

    async def tasks(self, job_id: UUID) -> list[Row]:
        """Return a job's tasks in the order in which they were created, without what goes in and comes out."""
        return await self._rows("task_page", job_id=job_id)

    async def errors(self, job_id: UUID) -> list[Row]:
        """Return every failure of an attempt, oldest first."""
        return await self._rows("error_page", job_id=job_id)

    async def measures(self, job_id: UUID) -> Row:
        """Return what the job has taken so far: seconds, attempts, calls, tokens, money."""
        rows = await self._rows("job_measures", job_id=job_id)
        measures: Row = rows[0]
        return measures

    async def actions(self, job_id: UUID) -> list[Row]:
        """Return what users did to the job, oldest first."""
        return await self._rows("action_page", job_id=job_id)

    async def silent_tasks(self, job_id: UUID) -> list[str]:
        """Return the identifiers of tasks whose lease has expired and that nobody has rescued yet."""
        return [row["task_identifier"] for row in await self._rows("silent_tasks", job_id=job_id)]

    async def ring(self, job_id: UUID) -> None:
        """Wake the workers, because a job may wait for nothing but that."""
        await self._rows("ring", job_id=job_id)

    async def outlines(self, base_class_id: UUID) -> list[Row]:
        """Return the jobs of a knowledge base that have an outline, newest first, with it."""
        return await self._rows("outline_list", base_class_id=base_class_id)

    async def record_action(
        self,
        job_id: UUID,
        user_id: UUID,
        action: str,
        task_ids: Sequence[UUID] = (),
        context: dict[str, Any] | None = None,
    ) -> None:
        """Write down what a user did."""
        await self._rows(
            "record_action",
            job_id=job_id,
            user_id=user_id,
            action=action,
            task_ids=list(task_ids),
            context=None if context is None else Jsonb(context),
        )

    async def clear(self, job_id: UUID) -> None:
        """Take the job from the list of the active ones; the job itself is left as it is."""
        await self._rows("clear_job", job_id=job_id)

    async def forget(self, job_id: UUID) -> None:
        """Delete a job with all that hangs on it, its course too. Raises NotFound."""
        if not await self._rows("forget_job", job_id=job_id):
            raise NotFound(f"There is no job {job_id}.", hint="GET /api/course-generation/v2 lists the jobs.")

    async def _rows(self, query: str, **parameters: Any) -> list[Row]:
        parameters["organisation_id"] = self._organisation_id
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(sql(__package__, query), parameters)
                return await cursor.fetchall()


__all__ = ["JobPages", "Row"]
