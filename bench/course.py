"""From documents to a course: wall time and peak memory of the command, in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Table

ROOT = Path(__file__).parents[1]
DEBIAN = ROOT / ".cache/documents/debian-handbook/usr/share/doc/debian-handbook/html/en-US"


def _run(*words: str) -> tuple[float, float, dict[str, object]]:
    """Run `coursewright` in a fresh folder; return seconds, peak MB of its largest process, and its JSON."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "coursewright", *words, "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit(f"coursewright {' '.join(words)} failed")
        return seconds, usage.ru_maxrss / 1024, json.loads(output)


def measure() -> list[Table]:
    """Return the table of whole courses; real documents are measured when they were fetched."""
    cases: dict[str, tuple[str, ...]] = {"the example handbook (`demo`)": ("demo",)}
    if DEBIAN.is_dir():
        cases["the English Debian handbook, 182,000 words"] = ("generate", str(DEBIAN))
    else:
        print("not measured: the Debian handbook; `scripts/fetch_documents.sh` fetches it")
    rows = []
    for name, words in cases.items():
        seconds, memory, _ = _run(*words)
        rows.append((name, f"{seconds:.1f}", f"{memory:.0f}"))
    return [
        Table(
            "Documents to a finished course",
            "The command in a fresh folder: start of the embedded Postgres, reading, writing, checks and all exports.",
            ("documents", "seconds", "peak MB"),
            rows,
        )
    ]
