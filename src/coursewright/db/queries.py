"""Queries live in files: one a query, named as the method that runs it, in the package's folder `sql/`.

Parameters are written `%(name)s`; rows become frozen dataclasses whose fields are named as the columns.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, TypeVar

from psycopg.rows import class_row

from coursewright.db.pool import Connection

Row = TypeVar("Row")


@cache
def sql(package: str, name: str) -> LiteralString:
    """Return the text of `sql/<name>.sql` of a package (pass `__package__`)."""
    return (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


async def fetch_all(
    connection: Connection, row: type[Row], query: LiteralString, parameters: Mapping[str, object]
) -> list[Row]:
    """Run a query and return its rows as `row`s."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def fetch_one(
    connection: Connection, row: type[Row], query: LiteralString, parameters: Mapping[str, object]
) -> Row | None:
    """Run a query and return its first row as a `row`, or None."""
    async with connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchone()


__all__ = ["fetch_all", "fetch_one", "sql"]
