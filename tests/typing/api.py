"""Uses of the public facade that mypy must accept, with the types a caller sees. Never run: `make check` reads it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import assert_type
from uuid import UUID

from coursewright.app import Coursewright, Hit, KnowledgeBase, Progress, Reading, open_coursewright
from coursewright.course.model import Course
from coursewright.course.plan import CourseRequest
from coursewright.course.quality import Quality
from coursewright.documents.embed import Embedder, MiniLM
from coursewright.documents.passages import Passage
from coursewright.documents.snippets import Snippet
from coursewright.exporters.formats import FORMATS, Format
from coursewright.queue import Job, JobStatus
from coursewright.settings import Settings


async def documents_become_a_course(paths: Sequence[Path], out: Path) -> None:
    def on_stage(stage: str) -> None: ...

    def on_reading(reading: Reading) -> None:
        assert_type((reading.done, reading.total, reading.passages), tuple[int, int, int])

    def on_progress(progress: Progress) -> None:
        assert_type(progress.job.status, JobStatus)
        assert_type(progress.eta_seconds, float | None)

    async with open_coursewright(Settings(), on_stage=on_stage) as program:
        assert_type(program, Coursewright)
        base = await program.read(paths, strict=True, on_progress=on_reading)
        assert_type(base, KnowledgeBase)
        assert_type([(each.document, each.reason) for each in base.left_out], list[tuple[str, str]])
        job, goes_on = await program.enqueue(base, CourseRequest(title="Bees", modules=2, lessons=3))
        assert_type(job, UUID)
        assert_type(goes_on, bool)
        assert_type(await program.finish(job, on_progress=on_progress), Job)
        assert_type(await program.export(job, out, FORMATS), tuple[Path, ...])
        course, quality = await program.course(job)
        assert_type(course, Course)
        assert_type(quality, Quality)


async def questions_find_passages(program: Coursewright, base: KnowledgeBase) -> None:
    hits = await program.search("How do I calm the bees?", base.id, limit=3)
    assert_type(hits, list[Hit])
    for hit in hits:
        assert_type(hit.passage, Passage)
        assert_type(hit.lexical_rank, int | None)
        assert_type(hit.snippet, Snippet)
        assert_type(hit.snippet.matches, tuple[tuple[int, int], ...])


async def wrong_uses_are_refused(program: Coursewright, job: UUID, base: KnowledgeBase) -> None:
    await program.read("docs")  # type: ignore[arg-type]  # a path is no list of paths
    await program.export(job, "out")  # type: ignore[arg-type]  # nor a text a path
    await program.export(job, Path("out"), ["pdf"])  # type: ignore[list-item]  # no such format
    await program.search(base)  # type: ignore[arg-type]  # the question comes first
    base.documents = 3  # type: ignore[misc]  # results are frozen


formats: tuple[Format, ...] = ("json", "site")
make_embedder: Callable[[], Embedder] = MiniLM
