"""The application's own documents: a query of its operator names them; changed and vanished ones are followed.

The query runs in a transaction that cannot write and is always rolled back, on a connection of its own.
"""

import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row, scalar_row

from coursewright.db.application import leave_our_schema
from coursewright.db.pool import Connection, Pool, is_unavailable, mapped_errors, transaction
from coursewright.db.queries import sql
from coursewright.documents.library import document_name
from coursewright.documents.read.sniff import EXTENSIONS
from coursewright.documents.storage import SCHEME
from coursewright.errors import ConfigurationError, InvalidRequest, NotFound, TooLarge
from coursewright.settings import ApiSettings, DocumentSettings

_log = logging.getLogger(__name__)

_PARAMETERS = ("%(base_class_id)s", "%(organisation_id)s")
# Columns that the query may give, and how they are asked for: nothing larger than is taken leaves the server.
_COLUMNS = {
    "id": "q.id::text",
    "name": "q.name::text",
    "mime_type": "q.mime_type::text",
    "text": "case when octet_length(q.text::text) <= %(most_bytes)s then q.text::text end",
    "content": "case when octet_length(q.content::bytea) <= %(most_bytes)s then q.content::bytea end",
    "url": "q.url::text",
    "storage_path": "q.storage_path::text",
    "updated_at": "q.updated_at::text",
    "base_class_name": "q.base_class_name::text",
}
_SIZES = {"text": "octet_length(q.text::text)", "content": "octet_length(q.content::bytea)"}
# Formats that nothing in a file tells: a name without an ending gets one.
_ENDINGS = {"text/markdown": ".md", "text/html": ".html", "text/csv": ".csv", "text/vtt": ".vtt"}
_HINT = "Mend COURSEWRIGHT_DOCUMENTS__SOURCE_QUERY."

Connect = Callable[[], Awaitable[psycopg.AsyncConnection[Any]]]


@dataclass(frozen=True, slots=True)
class _Named:
    """A document as a row of the query names it."""

    id: str
    name: str
    mime_type: str | None = None
    text: str | None = None
    content: bytes | None = None
    url: str | None = None
    storage_path: str | None = None
    updated_at: str | None = None
    base_class_name: str | None = None
    size: int | None = None


class Followed:
    """The documents that the application keeps. Without a query there are none."""

    def __init__(self, pool: Pool, connect: Connect, settings: DocumentSettings, limits: ApiSettings) -> None:
        """Raises ConfigurationError for a query that does not ask whose documents are wanted."""
        self._pool = pool
        self._connect = connect
        self._query = (settings.source_query or "").strip().rstrip("; \n")
        self._seconds = settings.source_seconds
        self._max_documents = limits.max_documents
        self._max_bytes = limits.max_upload_mb << 20
        if self._query and not all(each in self._query for each in _PARAMETERS):
            raise ConfigurationError(
                f"documents.source_query must ask for {' and '.join(_PARAMETERS)}: else one organisation could name "
                "another's knowledge base and read it.",
                hint=_HINT,
            )

    @property
    def configured(self) -> bool:
        """Tell whether there is a query."""
        return bool(self._query)

    async def follow_for_task(self, organisation_id: UUID, knowledge_base_id: UUID, task_id: UUID) -> None:
        """Follow once since a task became ready, however often it is begun."""
        if not self._query:
            return
        key = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id, "task_id": task_id}
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
                await cursor.execute(sql(__package__, "due_to_follow"), key)
                due = await cursor.fetchone()
        if due:
            await self.follow(organisation_id, knowledge_base_id)

    async def follow(self, organisation_id: UUID, knowledge_base_id: UUID) -> None:
        """Take over what the query names now: new and changed documents are read, vanished ones forgotten.

        Raises ConfigurationError (the query fails), TooLarge, NotFound (the knowledge base is another's).
        """
        if not self._query:
            return
        key = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id}
        names: set[str] = set()
        async with self._rows(organisation_id, knowledge_base_id) as (began, rows):
            async for row in rows:
                if len(names) >= self._max_documents:
                    raise TooLarge(
                        f"The application names more than {self._max_documents} documents for this knowledge base.",
                        hint="Name fewer, or raise COURSEWRIGHT_API__MAX_DOCUMENTS.",
                    )
                names.add(await self._take(key, row, names))
        async with transaction(self._pool) as connection:
            await connection.execute(sql(__package__, "forget_vanished"), key | {"began": began})
        _log.info("the application names %s documents of knowledge base %s", len(names), knowledge_base_id)

    @asynccontextmanager
    async def _rows(
        self, organisation_id: UUID, knowledge_base_id: UUID
    ) -> AsyncIterator[tuple[Any, AsyncGenerator[_Named, None]]]:
        asked = {
            "base_class_id": knowledge_base_id,
            "organisation_id": organisation_id,
            "most_bytes": self._max_bytes,
            "most": self._max_documents + 1,
        }
        with mapped_errors():
            async with await self._connect() as connection, connection.transaction(force_rollback=True):
                await connection.execute("set transaction read only")
                async with connection.cursor(row_factory=scalar_row) as cursor:
                    await cursor.execute(sql(__package__, "begin_to_follow"), {"seconds": f"{self._seconds}s"})
                    began = await cursor.fetchone()
                await leave_our_schema(connection)
                async with aclosing(self._named(connection, asked)) as rows:
                    yield began, rows

    async def _named(
        self, connection: psycopg.AsyncConnection[Any], asked: Mapping[str, Any]
    ) -> AsyncGenerator[_Named, None]:
        try:
            async with aclosing(self._asked(connection, asked)) as rows:
                async for row in rows:
                    yield row
        except psycopg.Error as error:
            writes = isinstance(error, psycopg.errors.ReadOnlySqlTransaction)  # the transaction is so on purpose
            if is_unavailable(error) and not writes:
                raise
            _log.warning("documents.source_query fails: %s", error)
            told = str(error).strip().splitlines()[0]
            raise ConfigurationError(f"documents.source_query fails: {told}", hint=_HINT) from error

    async def _asked(
        self, connection: psycopg.AsyncConnection[Any], asked: Mapping[str, Any]
    ) -> AsyncGenerator[_Named, None]:
        # Binary results make psycopg send statement and values apart, which allows one statement only.
        described = await connection.execute(f"select * from ({self._query}) q limit 0".encode(), asked, binary=True)  # noqa: S608
        given = [column.name for column in described.description or ()]
        if missing := [name for name in ("id", "name") if name not in given]:
            raise ConfigurationError(f"documents.source_query gives no column {missing[0]}.", hint=_HINT)
        columns = [f"{expression} as {name}" for name, expression in _COLUMNS.items() if name in given]
        sizes = [f"coalesce({size}, 0)" for name, size in _SIZES.items() if name in given]
        columns += [f"{' + '.join(sizes)} as size"] if sizes else []
        query = f"select {', '.join(columns)} from ({self._query}) q limit %(most)s"  # noqa: S608 (the operator's own)
        async with connection.cursor(name="documents", row_factory=dict_row) as cursor:
            cursor.itersize = 1  # a row may hold a whole document
            await cursor.execute(query.encode(), asked, binary=True)
            async for row in cursor:
                if row["id"] is None or row["name"] is None:
                    raise ConfigurationError("documents.source_query gives a row without id or name.", hint=_HINT)
                yield _Named(**row)

    async def _take(self, key: Mapping[str, Any], row: _Named, taken: set[str]) -> str:
        """Keep a document as it is now; return the name that it goes by here."""
        values = {**key, **self._content(row), "source_id": row.id, "version": row.updated_at}
        for name in _names(row):
            if name in taken:
                continue
            async with transaction(self._pool) as connection:
                if await self._keep(connection, values | {"name": name}, row):
                    return name
        raise InvalidRequest(f"The application names two documents {row.name!r} with the id {row.id!r}.", hint=_HINT)

    async def _keep(self, connection: Connection, values: dict[str, Any], row: _Named) -> bool:
        values["base_name"] = row.base_class_name or PurePosixPath(values["name"]).stem
        await connection.execute(sql(__package__, "ensure_knowledge_base"), values)
        cursor = await connection.execute(sql(__package__, "has_knowledge_base"), values)
        if await cursor.fetchone() is None:
            raise NotFound(f"There is no knowledge base {values['knowledge_base_id']}.")
        if await (await connection.execute(sql(__package__, "see_document"), values)).fetchone():
            return True
        if await (await connection.execute(sql(__package__, "follow_document"), values)).fetchone() is None:
            return False  # somebody has uploaded another one of that name
        if values["content"] is not None:
            await connection.execute(sql(__package__, "put_original"), values)
        return True

    def _content(self, row: _Named) -> dict[str, Any]:
        """Return content or address of a document, or why there is neither."""
        content = row.content if row.text is None else row.text.encode()
        error = hint = url = None
        if row.size and row.size > self._max_bytes:
            error = f"it is larger than {self._max_bytes >> 20} MB"
            hint = "Split it, or raise COURSEWRIGHT_API__MAX_UPLOAD_MB."
        elif content is None:
            url = row.url or (f"{SCHEME}{row.storage_path}" if row.storage_path else None)
            if url is None:
                error, hint = "the application has neither text nor a file for it", "Upload it there again."
        return {
            "content": content,
            "sha256": "" if content is None else hashlib.sha256(content).hexdigest(),
            "content_type": row.mime_type,
            "source_url": url,
            "error": error,
            "hint": hint,
        }


def _names(row: _Named) -> tuple[str, str]:
    """Return the name of a document, and the one it goes by where that is taken."""
    name = document_name(row.name)
    path = PurePosixPath(name)
    if path.suffix.lower() not in EXTENSIONS:
        kind = (row.mime_type or "").partition(";")[0].strip().lower()
        name += _ENDINGS.get(kind, "")
        path = PurePosixPath(name)
    return name, str(path.with_name(document_name(f"{path.stem} ({row.id}){path.suffix}".replace("/", "-"))))


__all__ = ["Followed"]
