"""Reads uploaded documents in the background: any process may, under a lease; a reader that dies costs nothing.

A duty of every worker and of every tick, beside the tasks of jobs.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from coursewright.db.pool import Pool, is_unavailable, mapped_errors
from coursewright.db.queries import fetch_all, sql
from coursewright.documents.reading import FileRead, SourceFile, read_files
from coursewright.documents.store import DocumentStore
from coursewright.errors import CoursewrightError, UnreadableDocument
from coursewright.settings import DocumentSettings

_log = logging.getLogger(__name__)

_FILES_A_READER = 4  # claimed at once, so that a reading subprocess is not started for each
_MOST_LOST = 5
_MARGIN = 30.0  # seconds that a lease outlasts the longest reading

Fetch = Callable[[str], Awaitable[tuple[bytes, str | None]]]


@dataclass(frozen=True, slots=True)
class _Claimed:
    id: UUID
    organisation_id: UUID
    knowledge_base_id: UUID
    name: str
    source_url: str | None
    attempt: int
    lost: int


class Intake:
    """Fetches and reads what is queued.

    `fetch` returns the bytes and the content type of a URL. `on_read(organisation_id, knowledge_base_id)` is awaited
    when some documents of a knowledge base were read.
    """

    def __init__(
        self, pool: Pool, settings: DocumentSettings, fetch: Fetch, on_read: Callable[[UUID, UUID], Awaitable[object]]
    ) -> None:
        self._pool = pool
        self._store = DocumentStore(pool)
        self._settings = settings
        self._fetch = fetch
        self._on_read = on_read
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for documents now: one has just been added."""
        self._wake.set()

    async def run(self, every: float = 1.0) -> None:
        """Read what comes until cancelled, looking every so many seconds.

        A database that is away is waited for, and a document that nobody can cope with stops nobody else's.
        """
        while True:
            self._wake.clear()
            try:
                busy = await self.once() > 0
            except Exception as error:
                if is_unavailable(error):
                    _log.warning("the database does not answer, looking for documents again: %s", error)
                else:
                    _log.exception("reading documents met a defect; others are read")
                busy = False
            if not busy:
                try:
                    async with asyncio.timeout(every):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    async def drain(self) -> None:
        """Read all that waits."""
        while await self.once():
            pass

    async def once(self) -> int:
        """Read some of the documents that wait, of one knowledge base; return how many were taken."""
        readers = self._settings.readers or os.cpu_count() or 1
        claimed = await self._claim(readers * _FILES_A_READER)
        open_ = {each.name: each for each in claimed}
        try:
            files = [file for each in claimed if (file := await self._prepared(each, open_)) is not None]
            if files:
                async for outcome in read_files(files, self._settings):
                    await self._record(open_.pop(outcome.name), outcome)
                await self._on_read(claimed[0].organisation_id, claimed[0].knowledge_base_id)
        except Exception as error:
            if not is_unavailable(error):
                open_.clear()  # as if this reader had died: they come back, but not for ever
            raise
        finally:
            if open_:
                await asyncio.shield(self._give_back(list(open_.values())))
        return len(claimed)

    async def _claim(self, most: int) -> list[_Claimed]:
        seconds = self._settings.seconds * (_FILES_A_READER + 1) + _MARGIN
        with mapped_errors():
            async with self._pool.connection() as connection:
                query = sql(__package__, "claim_documents")
                return await fetch_all(connection, _Claimed, query, {"most": most, "seconds": seconds})

    async def _prepared(self, claimed: _Claimed, open_: dict[str, _Claimed]) -> SourceFile | None:
        """Return the file to read; None when its fate is settled already."""
        try:
            if claimed.lost > _MOST_LOST:
                raise UnreadableDocument(
                    claimed.name,
                    f"{claimed.lost} workers were lost while they read it",
                    hint="It may need more memory than there is: split it, then upload the parts.",
                )
            content = await self._content(claimed)
        except CoursewrightError as error:
            if is_unavailable(error):
                raise
            failure = UnreadableDocument(claimed.name, error.detail, hint=error.hint)
            del open_[claimed.name]
            await self._record(claimed, FileRead(claimed.name, error=failure))
            return None
        return SourceFile(claimed.name, content)

    async def _content(self, claimed: _Claimed) -> bytes:
        key = {"knowledge_base_id": claimed.knowledge_base_id, "name": claimed.name}
        if claimed.source_url:
            content, content_type = await self._fetch(claimed.source_url)
            digest = hashlib.sha256(content).hexdigest()
            kept = {"content": content, "content_type": content_type, "sha256": digest, "attempt": claimed.attempt}
            with mapped_errors():
                async with self._pool.connection() as connection:
                    await connection.execute(sql(__package__, "keep_fetched"), key | kept)
            return content
        return await self._store.original(claimed.knowledge_base_id, claimed.name)

    async def _record(self, claimed: _Claimed, outcome: FileRead) -> None:
        if not await self._store.record(claimed.knowledge_base_id, outcome, attempt=claimed.attempt):
            _log.info("%s was replaced, removed or taken over while it was read", claimed.name)

    async def _give_back(self, claimed: list[_Claimed]) -> None:
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(_Claimed)) as cursor:
            await cursor.execute(sql(__package__, "give_back_documents"), {"ids": [each.id for each in claimed]})


__all__ = ["Fetch", "Intake"]
