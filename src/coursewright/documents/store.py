"""Knowledge bases in Postgres: originals, what was read from them, and their passages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import dict_row, scalar_row
from psycopg.types.json import Jsonb

from coursewright.db.pool import Pool, mapped_errors, transaction
from coursewright.db.queries import fetch_all, sql
from coursewright.documents.passages import Passage, Span, Term
from coursewright.documents.reading import FileRead


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document of a knowledge base; `status` is one of queued, processing, completed, error."""

    name: str
    status: str
    error: str | None
    hint: str | None
    title: str | None
    language: str | None
    pages: int | None
    warnings: list[str]
    bytes: int
    passages: int


class Losses(NamedTuple):
    """Documents that could not be read, with the reason; and what others lost when they were read, or by guesses."""

    left_out: list[tuple[str, str]]
    warnings: list[tuple[str, str]]


class DocumentStore:
    """The documents of all organisations; every question names the organisation that asks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add_knowledge_base(self, organisation_id: UUID, knowledge_base_id: UUID, name: str) -> None:
        """Create a knowledge base; one that exists is left as it is."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                sql(__package__, "add_knowledge_base"),
                {"id": knowledge_base_id, "organisation_id": organisation_id, "name": name},
            )

    async def add_document(self, knowledge_base_id: UUID, name: str, content: bytes, sha256: str) -> None:
        """Keep an original, to be read; one of that name is left as it is."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                sql(__package__, "add_document"),
                {"knowledge_base_id": knowledge_base_id, "name": name, "content": content, "sha256": sha256},
            )

    async def original(self, knowledge_base_id: UUID, name: str) -> bytes:
        """Return the bytes of a document as they were added."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
                await cursor.execute(
                    sql(__package__, "original"), {"knowledge_base_id": knowledge_base_id, "name": name}
                )
                found: bytes = await cursor.fetchone() or b""
        return found

    async def record(self, knowledge_base_id: UUID, read: FileRead, *, attempt: int | None = None) -> bool:
        """Store the outcome of reading a document, with its passages, in one transaction.

        With an `attempt`, only if that is still the newest one to read it; tell whether it was.
        """
        key: dict[str, Any] = {"knowledge_base_id": knowledge_base_id, "name": read.name}
        async with transaction(self._pool) as connection:
            if attempt is not None:
                held = await connection.execute(sql(__package__, "hold_document"), key | {"attempt": attempt})
                if await held.fetchone() is None:
                    return False
            if read.document is None:
                detail, hint = (read.error.detail, read.error.hint) if read.error else ("It could not be read.", "")
                await connection.execute(sql(__package__, "record_error"), key | {"error": detail, "hint": hint})
                await connection.execute(sql(__package__, "forget_passages"), key)
                return True
            document = read.document
            fields = ("title", "language", "licence", "attribution", "pages", "text")
            known = {field: getattr(document, field) for field in fields} | {"warnings": list(document.warnings)}
            await connection.execute(sql(__package__, "record_read"), key | known)
            # After the document's row is ours: of two that read it at once, the second sees what the first stored.
            await connection.execute(sql(__package__, "forget_passages"), key)
            async with connection.cursor() as cursor:
                await cursor.executemany(
                    sql(__package__, "add_passage"), [_parameters(knowledge_base_id, each) for each in read.passages]
                )
            await connection.execute(sql(__package__, "index_passages"), key)
        return True

    async def documents(self, organisation_id: UUID, knowledge_base_id: UUID) -> list[DocumentRow]:
        """Return the documents of a knowledge base by name."""
        key = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id}
        with mapped_errors():
            async with self._pool.connection() as connection:
                return await fetch_all(connection, DocumentRow, sql(__package__, "list_documents"), key)

    async def losses(self, organisation_id: UUID, knowledge_base_id: UUID) -> Losses:
        """Return what the course cannot know, because it was not read."""
        documents = await self.documents(organisation_id, knowledge_base_id)
        return Losses(
            [(each.name, each.error or "") for each in documents if each.status == "error"],
            [(each.name, warning) for each in documents for warning in each.warnings],
        )

    async def unread(self, organisation_id: UUID, knowledge_base_id: UUID) -> int:
        """Count the documents that are waiting to be read in the background, or are being read."""
        key = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id}
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as cursor:
                await cursor.execute(sql(__package__, "unread"), key)
                count: int = await cursor.fetchone() or 0
        return count

    async def sizes(self, organisation_id: UUID, knowledge_base_id: UUID) -> tuple[int, int]:
        """Return how many passages there are, and their bytes in all: quickly, however many."""
        key = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id}
        with mapped_errors():
            async with self._pool.connection() as connection:
                found = await (await connection.execute(sql(__package__, "sizes"), key)).fetchone()
        return (found[0], found[1]) if found else (0, 0)

    async def passages(self, organisation_id: UUID, knowledge_base_id: UUID) -> list[Passage]:
        """Return all passages: documents by name, then in order; ordinals count through."""
        return await self._passages(organisation_id, knowledge_base_id, None)

    async def passages_by_id(self, organisation_id: UUID, knowledge_base_id: UUID, ids: Sequence[str]) -> list[Passage]:
        """Return the passages named, in the order of `ids`; those that do not exist are missing."""
        found = {each.id: each for each in await self._passages(organisation_id, knowledge_base_id, list(ids))}
        return [found[id_] for id_ in ids if id_ in found]

    async def _passages(self, organisation_id: UUID, knowledge_base_id: UUID, ids: list[str] | None) -> list[Passage]:
        parameters = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id, "ids": ids}
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(sql(__package__, "passages"), parameters)
                return [passage_of(row) for row in await cursor.fetchall()]


def _parameters(knowledge_base_id: UUID, passage: Passage) -> dict[str, Any]:
    plain = ("document", "id", "ordinal", "page", "time_code", "start", "end", "text", "language", "sha256")
    return {field: getattr(passage, field) for field in plain} | {
        "knowledge_base_id": knowledge_base_id,
        "heading_path": list(passage.heading_path),
        "spans": Jsonb([asdict(span) for span in passage.spans]),
        "terms": Jsonb([asdict(term) for term in passage.terms]),
    }


def passage_of(row: dict[str, Any]) -> Passage:
    """Return the passage of a row that has a column for each field."""
    spans = tuple(Span(**span) for span in row.pop("spans"))
    terms = tuple(
        Term(**(term | {"definition": tuple(term["definition"]) if term["definition"] else None}))
        for term in row.pop("terms")
    )
    return Passage(**(row | {"heading_path": tuple(row["heading_path"])}), spans=spans, terms=terms)


__all__ = ["DocumentRow", "DocumentStore", "passage_of"]
