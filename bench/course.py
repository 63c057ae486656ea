"""From documents to a course: wall time and peak memory of the command, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.memory import Watched
from bench.report import Table

ROOT = Path(__file__).parents[1]
DEBIAN = ROOT / ".cache/documents/debian-handbook/usr/share/doc/debian-handbook/html/en-US"
HANDBOOK = ROOT / "examples" / "knowledge-base"
COMMAND = (sys.executable, "-m", "coursewright")

Figures = tuple[float, float, float]


def _run(*words: str) -> Figures:
    """Run `coursewright` in a fresh folder; return seconds, peak MB of its largest process, and of all together."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        began = time.perf_counter()
        process = subprocess.Popen([*COMMAND, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with Watched(process.pid, Path(folder)) as watched:
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit(f"coursewright {' '.join(words)} failed")
        return seconds, usage.ru_maxrss / 1024, watched.peak


def _worker() -> Figures:
    """Let `coursewright worker` make the course of the example handbook; figures as of `_run`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        subprocess.run([*COMMAND, "generate", str(HANDBOOK), "--no-wait"], cwd=folder, check=True, capture_output=True)
        began = time.perf_counter()
        process = subprocess.Popen(
            [*COMMAND, "worker"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with Watched(process.pid, Path(folder)) as watched:
            while True:
                told = subprocess.run([*COMMAND, "jobs", "--json"], cwd=folder, check=True, capture_output=True).stdout
                if json.loads(told)[0]["status"] == "completed":
                    break
                if time.perf_counter() - began > 300 or process.poll() is not None:
                    raise SystemExit("the worker did not make the course")
        seconds = time.perf_counter() - began
        process.send_signal(signal.SIGTERM)
        _, _, usage = os.wait4(process.pid, 0)
        return seconds, usage.ru_maxrss / 1024, watched.peak


def measure() -> list[Table]:
    """Return the table of whole courses; real documents are measured when they were fetched."""
    figures = {"the example handbook (`demo`)": _run("demo"), "the same by `coursewright worker`": _worker()}
    if DEBIAN.is_dir():
        figures["the English Debian handbook, 182,000 words"] = _run("generate", str(DEBIAN))
    else:
        print("not measured: the Debian handbook (`scripts/fetch_documents.sh` fetches it)")
    return [
        Table(
            "Documents to a finished course",
            "The command in a fresh folder: start of the embedded Postgres, reading, writing, checks and all exports. "
            "The worker finds the documents read, and exports nothing. All processes: those of the command, its "
            "readers and its Postgres, what they share counted once (PSS), looked at ten times a second.",
            ("documents", "seconds", "peak MB of the largest process", "peak MB of all processes"),
            [(name, f"{took:.1f}", f"{one:.0f}", f"{every:.0f}") for name, (took, one, every) in figures.items()],
            whole=DEBIAN.is_dir(),
        )
    ]
