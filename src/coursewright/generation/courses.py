"""Finished courses in Postgres."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from coursewright.course.model import Course
from coursewright.course.quality import Quality
from coursewright.db.pool import Pool, mapped_errors
from coursewright.db.queries import fetch_one, sql
from coursewright.errors import NotFound


@dataclass(frozen=True, slots=True)
class _Row:
    course: dict[str, Any]
    quality: dict[str, Any]


class CourseStore:
    """Keeps one course, with its quality report, for each job that made one."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(
        self, job_id: UUID, organisation_id: UUID, knowledge_base_id: UUID, course: Course, quality: Quality
    ) -> None:
        """Store a course; a second attempt of the same job writes over the first."""
        with mapped_errors():
            async with self._pool.connection() as connection:
                await connection.execute(
                    sql(__package__, "save_course"),
                    {
                        "job_id": job_id,
                        "organisation_id": organisation_id,
                        "knowledge_base_id": knowledge_base_id,
                        "title": course.title,
                        "course": Jsonb(course.model_dump(mode="json")),
                        "quality": Jsonb(quality.model_dump(mode="json")),
                    },
                )

    async def load(self, job_id: UUID, organisation_id: UUID | None = None) -> tuple[Course, Quality]:
        """Return the course that a job made; raise `NotFound` when there is none (yet) or it is another's."""
        key = {"job_id": job_id, "organisation_id": organisation_id}
        with mapped_errors():
            async with self._pool.connection() as connection:
                row = await fetch_one(connection, _Row, sql(__package__, "load_course"), key)
        if row is None:
            raise NotFound(
                f"Job {job_id} has no course yet.", hint=f"`coursewright status {job_id}` shows how far it is."
            )
        return Course.model_validate(row.course), Quality.model_validate(row.quality)
