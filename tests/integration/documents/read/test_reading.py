"""Reading in subprocesses: a bad file costs that file and nothing else."""

import asyncio
from pathlib import Path

from coursewright.documents.reading import FileRead, SourceFile, number, read_files
from coursewright.settings import DocumentSettings


def _read(files: list[SourceFile], settings: DocumentSettings) -> dict[str, FileRead]:
    async def collect() -> dict[str, FileRead]:
        return {read.name: read async for read in read_files(files, settings)}

    return asyncio.run(collect())


def test_reads_good_files_beside_bad_ones(tmp_path: Path) -> None:
    path = tmp_path / "b.md"
    path.write_text("# Bees\n\nBees fly.\n")
    files = [
        SourceFile("b.md", path),
        SourceFile("a.md", b"# Ants\n\nAnts walk.\n"),
        SourceFile("bad.pdf", b"%PDF-1.4 cut"),
        SourceFile("gone.md", tmp_path / "gone.md"),
        SourceFile("large.txt", b"word " * 300_000),
    ]
    reads = _read(files, DocumentSettings(readers=2, max_file_mb=1))
    assert {name for name, read in reads.items() if read.error} == {"bad.pdf", "gone.md", "large.txt"}
    assert [(p.ordinal, p.document) for p in number(reads.values())] == [(0, "a.md"), (1, "b.md")]


def test_a_reader_out_of_memory_or_time_fails_that_file_only() -> None:
    files = [SourceFile("many.html", b"<p>word " * 200_000), SourceFile("good.md", b"# Bees\n\nBees fly.\n")]
    reads = _read(files, DocumentSettings(readers=1, memory_mb=230))
    assert reads["many.html"].error is not None
    assert reads["good.md"].document is not None
    slow = _read(files, DocumentSettings(readers=1, seconds=0.001))
    error = slow["many.html"].error
    assert error is not None
    assert "longer than" in error.detail
