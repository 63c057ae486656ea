"""One organisation's documents as the HTTP API sees them: added, listed, shown, removed, by their own ids."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, dict_row

from coursewright.db.pool import Connection, Pool, mapped_errors, transaction
from coursewright.db.queries import fetch_all, fetch_one, sql
from coursewright.errors import Conflict, InvalidRequest, NotFound, TooLarge

_LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class LibraryDocument:
    """A document; `status` is one of queued, processing, completed, error."""

    id: UUID
    knowledge_base_id: UUID
    name: str
    status: str
    error: str | None
    hint: str | None
    title: str | None
    language: str | None
    pages: int | None
    warnings: list[str]
    bytes: int
    content_type: str | None
    source_url: str | None
    passages: int
    added_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class PassageContext:
    """A passage with what surrounds it in its document."""

    document_id: UUID
    document: str
    title: str | None
    passage_id: str
    heading_path: list[str]
    page: int | None
    time_code: str | None
    text: str
    language: str
    before: str | None
    after: str | None


class Library:
    """The documents of one organisation. What belongs to another does not exist."""

    def __init__(self, pool: Pool, organisation_id: UUID, *, max_documents: int) -> None:
        self._pool = pool
        self._organisation_id = organisation_id
        self._max_documents = max_documents

    async def add(
        self,
        knowledge_base_id: UUID,
        name: str,
        content: bytes | None,
        *,
        content_type: str | None = None,
        source_url: str | None = None,
        replace: bool = True,
    ) -> LibraryDocument:
        """Keep a document, to be read in the background; without content it is fetched from its URL first.

        The knowledge base is made when there is none. The same file again changes nothing; another one of the same name
        takes its place, if it may (`replace`). Raises NotFound, TooLarge, InvalidRequest, Conflict.
        """
        name = document_name(name)
        values = self._key(knowledge_base_id) | {
            "name": name,
            "base_name": PurePosixPath(name).stem,
            "sha256": "" if content is None else hashlib.sha256(content).hexdigest(),
            "content": content,
            "content_type": content_type,
            "source_url": source_url,
        }
        async with transaction(self._pool) as connection:
            await connection.execute(sql(__package__, "ensure_knowledge_base"), values)
            await self._require(connection, knowledge_base_id)
            found = await fetch_all(
                connection, LibraryDocument, sql(__package__, "library"), self._key(knowledge_base_id)
            )
            known = name in {each.name for each in found}
            if known and not replace:
                raise Conflict(
                    f"The knowledge base holds a document {name} already.",
                    hint="Give it another name; teachers and admins may replace documents.",
                )
            if len(found) >= self._max_documents and not known:
                raise TooLarge(
                    f"The knowledge base holds {len(found)} documents, which is the limit.",
                    hint="Use another one, or raise COURSEWRIGHT_API__MAX_DOCUMENTS.",
                )
            async with connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(sql(__package__, "put_document"), values)
                if await cursor.fetchone() and content is not None:
                    await cursor.execute(sql(__package__, "put_original"), values)
            return await self._document(connection, knowledge_base_id, name)

    async def require(self, knowledge_base_id: UUID) -> None:
        """Raise NotFound when the organisation has no such knowledge base."""
        with mapped_errors():
            async with self._pool.connection() as connection:
                await self._require(connection, knowledge_base_id)

    async def documents(self, knowledge_base_id: UUID) -> list[LibraryDocument]:
        """Return the documents of a knowledge base by name. Raises NotFound."""
        with mapped_errors():
            async with self._pool.connection() as connection:
                await self._require(connection, knowledge_base_id)
                query = sql(__package__, "library")
                return await fetch_all(connection, LibraryDocument, query, self._key(knowledge_base_id))

    async def names(self, knowledge_base_ids: list[UUID]) -> dict[UUID, str]:
        """Return the names of knowledge bases."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                await cursor.execute(
                    sql(__package__, "base_names"),
                    {"organisation_id": self._organisation_id, "ids": knowledge_base_ids},
                )
                return dict(await cursor.fetchall())

    async def context(self, document_id: UUID, passage_id: str) -> PassageContext:
        """Return a passage with its neighbours. Raises NotFound."""
        values = {"organisation_id": self._organisation_id, "document_id": document_id, "passage_id": passage_id}
        with mapped_errors():
            async with (
                self._pool.connection() as connection,
                connection.cursor(row_factory=class_row(PassageContext)) as cursor,
            ):
                await cursor.execute(sql(__package__, "passage_context"), values)
                found = await cursor.fetchone()
        if found is None:
            raise NotFound("There is no such passage.", hint="It may be gone because its document was read again.")
        return found

    async def remove(self, document_id: UUID) -> None:
        """Forget a document with its passages. Raises NotFound."""
        values = {"organisation_id": self._organisation_id, "document_id": document_id}
        if not await self._deleted("remove_document", values):
            raise NotFound(f"There is no document {document_id}.", hint=_LIST)

    async def forget(self, knowledge_base_id: UUID) -> None:
        """Forget a knowledge base: its documents, passages, jobs and courses. Raises NotFound."""
        if not await self._deleted("forget_knowledge_base", self._key(knowledge_base_id)):
            raise NotFound(f"There is no knowledge base {knowledge_base_id}.")

    async def analysis(self, knowledge_base_id: UUID) -> tuple[dict[str, Any] | None, str]:
        """Return the stored analysis, if the documents are as they were, and the fingerprint of what they are now."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await self._require(connection, knowledge_base_id)
                await cursor.execute(sql(__package__, "stored_analysis"), self._key(knowledge_base_id))
                row = await cursor.fetchone() or {}
        return row.get("analysis"), row.get("fingerprint") or ""

    async def keep_analysis(self, knowledge_base_id: UUID, analysis: str, fingerprint: str) -> None:
        """Keep an analysis of documents in the state that the fingerprint stands for."""
        values = self._key(knowledge_base_id) | {"analysis": analysis, "fingerprint": fingerprint}
        with mapped_errors():
            async with self._pool.connection() as connection:
                await connection.execute(sql(__package__, "keep_analysis"), values)

    async def _document(self, connection: Connection, knowledge_base_id: UUID, name: str) -> LibraryDocument:
        query, key = sql(__package__, "library"), self._key(knowledge_base_id) | {"name": name}
        found = await fetch_one(connection, LibraryDocument, query, key)
        assert found is not None  # noqa: S101 - it was written in this transaction
        return found

    async def _require(self, connection: Connection, knowledge_base_id: UUID) -> None:
        cursor = await connection.execute(sql(__package__, "has_knowledge_base"), self._key(knowledge_base_id))
        if await cursor.fetchone() is None:
            raise NotFound(
                f"There is no knowledge base {knowledge_base_id}.", hint="An upload into a new id makes one."
            )

    async def _deleted(self, query: str, values: dict[str, Any]) -> bool:
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor() as cursor:
                await cursor.execute(sql(__package__, query), values)
                return await cursor.fetchone() is not None

    def _key(self, knowledge_base_id: UUID) -> dict[str, Any]:
        return {"organisation_id": self._organisation_id, "knowledge_base_id": knowledge_base_id, "name": None}


_LIST = "GET /api/knowledge-base/documents lists them."


def document_name(name: str) -> str:
    """Return the name under which a file is kept: a relative path without tricks. Raises InvalidRequest."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    clean = "".join(char for char in "/".join(parts) if char.isprintable())
    if not clean:
        raise InvalidRequest("The file has no name.", hint="Send a file name with the file.")
    if len(clean) > _LONGEST_NAME:
        path = PurePosixPath(clean)
        clean = path.stem[: _LONGEST_NAME - len(path.suffix[:20])] + path.suffix[:20]
    return clean


__all__ = ["Library", "LibraryDocument", "PassageContext", "document_name"]
