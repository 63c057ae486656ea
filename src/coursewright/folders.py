"""Reads files and folders of this machine into a knowledge base."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid5

from coursewright.course.quality import LeftOut, ReadingWarning
from coursewright.documents.discover import Found, Skipped, digest_of, discover
from coursewright.documents.reading import FileRead, SourceFile, read_files
from coursewright.documents.retrieve import Retriever
from coursewright.documents.store import DocumentRow, DocumentStore
from coursewright.errors import NothingToRead, UnreadableDocument
from coursewright.exporters.formats import MARKER
from coursewright.progress import KnowledgeBase, Reading
from coursewright.settings import DocumentSettings

# On one's own machine there is one organisation. Knowledge bases there are named after what they hold.
LOCAL_ORGANISATION = UUID("6f0d3c1e-8a57-5d7e-9b86-1f4b7e0c5a11")


class FolderReader:
    """Reads for the local organisation."""

    def __init__(self, documents: DocumentStore, retriever: Retriever, settings: DocumentSettings) -> None:
        self._documents = documents
        self._retriever = retriever
        self._settings = settings

    async def read(
        self,
        paths: Sequence[Path],
        *,
        strict: bool = False,
        on_progress: Callable[[Reading], None] = lambda _: None,
        on_embedding: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> KnowledgeBase:
        """Read files and folders into a knowledge base of the local organisation.

        Its id follows from names and contents: what was read before is not read again. With `strict`, a file that
        cannot be read is an error instead of an entry in `left_out`. With an embedder, passages are embedded too;
        `on_embedding` is told how many of how many. Raises InputError.
        """
        limits = self._settings
        found, skipped = await asyncio.to_thread(discover, paths, limits.max_file_mb << 20, MARKER)
        base_id = uuid5(LOCAL_ORGANISATION, "\n".join(f"{each.sha256} {each.name}" for each in found))
        await self._documents.add_knowledge_base(LOCAL_ORGANISATION, base_id, paths[0].resolve().name)
        known = {each.name: each for each in await self._documents.documents(LOCAL_ORGANISATION, base_id)}
        new = [
            each for each in found if each.name not in known or known[each.name].status not in ("completed", "error")
        ]
        changed = [each for each in new if not await self._keep(base_id, each)]
        skipped += [Skipped(each.name, "it changed while it was read; run the command again") for each in changed]
        fresh = {each.name: each for each in new if each not in changed}
        passages = sum(each.passages for each in known.values())
        done = len(found) - len(new) + len(changed)
        files = [SourceFile(each.name, each.path) for each in fresh.values()]
        if files:
            async for outcome in read_files(files, limits):
                if await _digest(fresh[outcome.name]) != fresh[outcome.name].sha256:
                    outcome = await self._read_kept(base_id, outcome.name)  # the file has become another one
                await self._documents.record(base_id, outcome)
                done += 1
                passages += len(outcome.passages)
                on_progress(Reading(done, len(found), passages, outcome.name))
        rows = await self._documents.documents(LOCAL_ORGANISATION, base_id)
        bad = [each for each in rows if each.status == "error"]
        if bad and strict:
            raise UnreadableDocument(bad[0].name, f"{bad[0].name}: {bad[0].error}", hint=bad[0].hint or "")
        if not passages:
            reasons = [(each.name, each.error or ", ".join(each.warnings) or "there is no text in it") for each in rows]
            reasons += [(each.name, "it changed while it was read") for each in changed]
            why = "; ".join(f"{name}: {reason}" for name, reason in reasons[:5])
            raise NothingToRead(
                f"None of the documents could be read. {why}",
                hint=(bad[0].hint if bad else "") or "Add documents with sentences.",
            )
        await self._retriever.embed(LOCAL_ORGANISATION, base_id, on_embedding)
        return KnowledgeBase(
            base_id,
            len(rows) - len(bad),
            passages,
            (
                *(LeftOut(document=each.name, reason=_why(each)) for each in bad),
                *(LeftOut(document=each.name, reason=each.reason) for each in skipped),
            ),
            tuple(ReadingWarning(document=each.name, warning=text) for each in rows for text in each.warnings),
        )

    async def _keep(self, base_id: UUID, file: Found) -> bool:
        """Keep the original; tell whether it is still the file that was found."""
        try:
            content = await asyncio.to_thread(file.path.read_bytes)
        except OSError:
            return False
        if hashlib.sha256(content).hexdigest() != file.sha256:
            return False
        await self._documents.add_document(base_id, file.name, content, file.sha256)
        return True

    async def _read_kept(self, base_id: UUID, name: str) -> FileRead:
        original = await self._documents.original(base_id, name)
        (read,) = [each async for each in read_files([SourceFile(name, original)], self._settings)]
        return read


def _why(row: DocumentRow) -> str:
    """Return why a document could not be read, and what to do."""
    return ". ".join(part.rstrip(".") for part in (row.error, row.hint) if part)


async def _digest(file: Found) -> str:
    try:
        return await asyncio.to_thread(digest_of, file.path)
    except OSError:
        return ""


__all__ = ["LOCAL_ORGANISATION", "FolderReader"]
