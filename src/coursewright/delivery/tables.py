"""Writes a finished course into the application's own tables, with SQL that its operator has written.

In one transaction with marking the delivery as done, so exactly once; a statement that fails takes all of it back.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.types.json import Jsonb

from coursewright.course.model import Course, Lesson, Module
from coursewright.db.application import leave_our_schema
from coursewright.db.pool import Connection, Pool, is_passing, transaction
from coursewright.db.queries import sql
from coursewright.delivery.courier import Delivery
from coursewright.delivery.outcome import Failed
from coursewright.errors import ConfigurationError, NotFound
from coursewright.settings import DeliverySettings

_STATEMENT = re.compile(
    r"(\s|--[^\n]*\n|/\*.*?\*/)*(insert|update|merge|delete|with|select)\b", re.IGNORECASE | re.DOTALL
)

Load = Callable[[UUID], Awaitable[tuple[Course, object]]]
Render = Callable[[Course, Lesson], str]


class Tables:
    """Runs `outline_sql` for the course, `path_sql` for each module and `lesson_sql` for each lesson.

    `load` returns the course of a job (and what else is known of it), `render` a lesson as Markdown.
    """

    def __init__(self, pool: Pool, settings: DeliverySettings, load: Load, render: Render) -> None:
        """Raises ConfigurationError for a statement of a kind that could end the transaction."""
        self._pool = pool
        self._settings = settings
        for name in ("outline_sql", "path_sql", "lesson_sql"):
            if not _STATEMENT.match(getattr(settings, name) or "select"):
                raise ConfigurationError(
                    f"delivery.{name} is not one statement that writes.",
                    hint="Begin it with insert, update, merge, delete, with or select.",
                )
        self._load = load
        self._render = render

    async def __call__(self, delivery: Delivery) -> Failed | None:
        """Write the course of a job; nothing happens when this try is no longer the newest."""
        try:
            course, _ = await self._load(delivery.job_id)
        except NotFound as error:
            return Failed(error.detail)
        try:
            async with transaction(self._pool) as connection:
                fence = {"id": delivery.id, "attempts": delivery.attempts}
                held = await connection.execute(sql(__package__, "hold_delivery"), fence)
                if await held.fetchone():
                    seconds = self._settings.sql_seconds
                    limits = {"longest": f"{seconds}s", "for_locks": f"{seconds / 2}s"}
                    await connection.execute(sql(__package__, "limit_statements"), limits)
                    await leave_our_schema(connection)
                    await self._write(connection, delivery, course)
                    await connection.execute(sql(__package__, "mark_delivered"), fence)
        except psycopg.Error as error:
            if is_passing(error) and not isinstance(error, psycopg.errors.QueryCanceled):
                raise
            return Failed(error.diag.message_primary or str(error))  # not the rows that its details show
        return None

    async def _write(self, connection: Connection, delivery: Delivery, course: Course) -> None:
        settings, known = self._settings, _of_course(delivery, course)
        known["outline_id"] = await _run(connection, settings.outline_sql, known, known["outline_id"])
        for place, module in enumerate(course.modules, 1):
            of_module = known | _of_module(delivery.job_id, module, place)
            of_module["path_id"] = await _run(connection, settings.path_sql, of_module, of_module["path_id"])
            for number, lesson in enumerate(module.lessons, 1):
                of_lesson = _of_lesson(delivery.job_id, lesson, number)
                of_lesson["lesson_markdown"] = self._render(course, lesson)
                await _run(connection, settings.lesson_sql, of_module | of_lesson, None)


async def _run(connection: Connection, statement: str | None, values: dict[str, Any], own_id: Any) -> Any:
    """Run a statement; the first column of a row that it returns is the id by which what follows calls it."""
    if statement is None:
        return own_id
    # Binary results make psycopg send the statement and its values apart, which allows one statement only.
    cursor = await connection.execute(statement.encode(), values, binary=True)
    row = await cursor.fetchone() if cursor.description else None
    return row[0] if row else own_id


def _of_course(delivery: Delivery, course: Course) -> dict[str, Any]:
    told = delivery.payload["data"]
    return {
        "job_id": delivery.job_id,
        "outline_id": delivery.job_id,
        **{
            column: UUID(told[name]) if told[name] else None
            for column, name in (
                ("base_class_id", "baseClassId"), ("organisation_id", "organisationId"), ("user_id", "userId"),
            )
        },
        "title": course.title,
        "description": course.description,
        "language": course.language,
        "objectives": Jsonb(list(course.objectives)),
        "outline": Jsonb({"title": course.title, "paths": list(_contents(course))}),
        "course": Jsonb(course.model_dump(mode="json")),
    }  # fmt: skip


def _of_module(job_id: UUID, module: Module, place: int) -> dict[str, Any]:
    return {
        "path_id": uuid5(job_id, module.id),
        "path_position": place,
        "path_title": module.title,
        "path_description": module.description,
        "path_objectives": Jsonb(list(module.objectives)),
        "path": Jsonb(module.model_dump(mode="json")),
    }


def _of_lesson(job_id: UUID, lesson: Lesson, place: int) -> dict[str, Any]:
    return {
        "lesson_id": uuid5(job_id, lesson.id),
        "lesson_position": place,
        "lesson_title": lesson.title,
        "lesson_description": lesson.description,
        "lesson_objectives": Jsonb(list(lesson.objectives)),
        "lesson_minutes": lesson.minutes,
        "lesson": Jsonb(lesson.model_dump(mode="json")),
    }


def _contents(course: Course) -> Iterator[dict[str, Any]]:
    for module in course.modules:
        lessons = [
            {"id": each.id, "title": each.title, "sections": [section.title for section in each.sections]}
            for each in module.lessons
        ]
        yield {"id": module.id, "title": module.title, "lessons": lessons}


__all__ = ["Tables"]
