"""Reading in subprocesses: a bad file costs that file and nothing else."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from coursewright.documents.read.messages import Request
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


def test_a_file_that_eats_memory_says_so() -> None:
    files = [SourceFile("many.md", b"- *a* [b](c)\n" * 800_000), SourceFile("good.md", b"# Bees\n\nBees fly.\n")]
    reads = _read(files, DocumentSettings(readers=1, memory_mb=300))
    error = reads["many.md"].error
    assert error is not None
    assert error.detail == "reading it needs more memory than allowed"
    assert "MEMORY_MB" in error.hint
    assert reads["good.md"].document is not None


def test_a_file_that_hangs_is_given_up_and_the_next_is_read(tmp_path: Path) -> None:
    hanging = tmp_path / "pipe.md"
    os.mkfifo(hanging)  # opening it waits for a writer that never comes
    good = SourceFile("good.md", b"# Bees\n\nBees fly.\n")
    reads = _read([SourceFile("pipe.md", hanging), good], DocumentSettings(readers=1, seconds=8))
    error = reads["pipe.md"].error
    assert error is not None
    assert "longer than 8 seconds" in error.detail
    assert reads["good.md"].document is not None


def test_a_reader_without_a_parent_ends_by_itself_when_it_computes_for_too_long() -> None:
    content = b"- *a* [b](c)\n" * 1_500_000
    request = Request(name="long.md", size=len(content), max_size=1 << 30, max_unpacked=1 << 30, seconds=1)
    words = [sys.executable, "-m", "coursewright.documents.read"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin
        child.stdin.write(request.model_dump_json().encode() + b"\n" + content)
        child.stdin.close()
        assert child.wait() == -signal.SIGXCPU


def test_several_files_are_read_by_several_processes_at_once(tmp_path: Path) -> None:
    """Two readers wait for each other: each writes what the other reads first, which one alone could not."""
    first, second = tmp_path / "first.md", tmp_path / "second.md"
    os.mkfifo(first)
    os.mkfifo(second)

    def write() -> None:
        with first.open("wb") as one, second.open("wb") as two:  # opens when both are being read
            one.write(b"# First\n\nBees fly.\n")
            two.write(b"# Second\n\nBees rest.\n")

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    reads = _read([SourceFile("1.md", first), SourceFile("2.md", second)], DocumentSettings(readers=2, seconds=60))
    writer.join()
    assert [read.document is not None for read in reads.values()] == [True, True]
