"""Reads many files at once, each in a subprocess with limits: a bad file costs that file and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from coursewright.apart import cause_of_death, end_child, start_child
from coursewright.documents.passages import Passage, ReadDocument
from coursewright.documents.read.messages import Reply, Request
from coursewright.errors import UnreadableDocument
from coursewright.settings import DocumentSettings

_MB = 1 << 20
_FILES_A_CHILD = 500  # then a fresh one takes over: format libraries leak


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: `name` is its path in the knowledge base, `content` its path on disk or its bytes."""

    name: str
    content: Path | bytes


@dataclass(frozen=True, slots=True)
class FileRead:
    """One file's outcome: a document and its passages (ordinals count from 0 within the document), or an error."""

    name: str
    document: ReadDocument | None = None
    passages: tuple[Passage, ...] = ()
    error: UnreadableDocument | None = None


async def read_files(files: Sequence[SourceFile], settings: DocumentSettings) -> AsyncIterator[FileRead]:
    """Read `files` and yield each outcome as soon as it is known, in no fixed order."""
    waiting = list(reversed(files))
    done: asyncio.Queue[FileRead] = asyncio.Queue()

    async def work() -> None:
        child = _Child(settings)
        try:
            while waiting:
                done.put_nowait(await child.read(waiting.pop()))
        finally:
            await child.stop()

    readers = min(settings.readers or os.cpu_count() or 1, len(files))
    tasks = [asyncio.create_task(work()) for _ in range(readers)]
    getter: asyncio.Future[FileRead] | None = None
    try:
        for _ in files:
            getter = asyncio.ensure_future(done.get())
            await asyncio.wait(
                [getter, *(task for task in tasks if not task.done())], return_when=asyncio.FIRST_COMPLETED
            )
            while not getter.done():
                for task in tasks:
                    if task.done():
                        task.result()  # a defect of the reader itself is not hidden
                unfinished = [task for task in tasks if not task.done()]
                await asyncio.wait([getter, *unfinished], return_when=asyncio.FIRST_COMPLETED)
            yield getter.result()
        await asyncio.gather(*tasks)
    finally:
        under_way: list[asyncio.Future[FileRead] | asyncio.Task[None]] = [*tasks, *([getter] if getter else [])]
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


class _Child:
    """A reading subprocess that is started when needed and replaced when it died, hung or grew old."""

    def __init__(self, settings: DocumentSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._served = 0

    async def read(self, file: SourceFile) -> FileRead:
        content = file.content if isinstance(file.content, bytes) else b""
        if len(content) > self._settings.max_file_mb * _MB:
            return _failed(
                file.name,
                f"it is larger than {self._settings.max_file_mb} MB",
                "Split it, or raise COURSEWRIGHT_DOCUMENTS__MAX_FILE_MB.",
            )
        request = Request(
            name=file.name,
            path=os.fsencode(file.content.absolute()) if isinstance(file.content, Path) else None,
            size=len(content),
            max_size=self._settings.max_file_mb * _MB,
            max_unpacked=self._settings.max_unpacked_mb * _MB,
            seconds=self._settings.seconds,
        )
        process = await self._started()
        try:
            async with asyncio.timeout(self._settings.seconds):
                reply = await _ask(process, request, content)
        except TimeoutError:
            await self.stop()
            return _failed(
                file.name,
                f"reading it took longer than {self._settings.seconds:g} seconds",
                "Split it, or raise COURSEWRIGHT_DOCUMENTS__SECONDS.",
            )
        except (asyncio.IncompleteReadError, ConnectionError):
            code = await process.wait()
            await self.stop()
            return _failed(
                file.name,
                f"the program that read it died ({cause_of_death(code)})",
                "It may be damaged or need more memory: convert it, or raise COURSEWRIGHT_DOCUMENTS__MEMORY_MB.",
            )
        self._served += 1
        if reply.exhausted or self._served >= _FILES_A_CHILD:
            await self.stop()
        if reply.document is None:
            return _failed(file.name, reply.detail, reply.hint)
        return FileRead(file.name, reply.document, reply.passages)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            self._served = 0
            self._process = await start_child("coursewright.documents.read", str(self._settings.memory_mb))
        return self._process

    async def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            await end_child(process)


async def _ask(process: asyncio.subprocess.Process, request: Request, content: bytes) -> Reply:
    assert process.stdin is not None  # noqa: S101  # both were asked for as pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(request.model_dump_json().encode() + b"\n" + content)
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise asyncio.IncompleteReadError(line, None)
    return Reply.model_validate_json(await process.stdout.readexactly(int(line)))


def _failed(name: str, detail: str, hint: str) -> FileRead:
    return FileRead(name, error=UnreadableDocument(name, detail, hint=hint))


def number(reads: Iterable[FileRead]) -> list[Passage]:
    """Return all passages of a knowledge base: documents by name, passages in order, ordinals counted through."""
    ordered = sorted(reads, key=lambda read: read.name)
    passages = [passage for read in ordered for passage in read.passages]
    return [replace(passage, ordinal=ordinal) for ordinal, passage in enumerate(passages)]


__all__ = ["FileRead", "SourceFile", "number", "read_files"]
