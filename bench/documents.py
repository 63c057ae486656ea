"""Reading PDF: pages a second and peak memory beside the bare library and beside markitdown."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench.report import Table

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"
FILES = (
    "r-doc-pdf/usr/share/doc/r-doc-pdf/manual/R-intro.pdf",
    "c++-annotations-pdf/usr/share/doc/c++-annotations/cplusplus.pdf",
    "r-doc-pdf/usr/share/R/doc/manual/fullrefman.pdf",
)
MARKITDOWN = CACHE / "bench-markitdown"  # an environment of its own: it brings 32 packages
LONGEST = 900  # seconds

# Each program reads the file that it is given and prints seconds, pages and characters as JSON.
_TIMED = """
import json, sys, time
from pathlib import Path
path = Path(sys.argv[1])
began = time.perf_counter()
{0}
print(json.dumps([time.perf_counter() - began, pages, characters]))
"""
_OURS = """
from coursewright.documents.read import read
from coursewright.documents.split import split
document = read(path.name, path.read_bytes())
passages = split(document, path.name)
pages, characters = document.pages, sum(len(passage.text) for passage in passages)
"""
_BARE = """
import pypdfium2
document = pypdfium2.PdfDocument(path.read_bytes())
texts = []
for page in document:
    textpage = page.get_textpage()
    texts.append(textpage.get_text_range())
    textpage.close()
    page.close()
pages, characters = len(texts), sum(map(len, texts))
"""
_MARKITDOWN = """
from markitdown import MarkItDown
pages, characters = None, len(MarkItDown().convert(str(path)).text_content)
"""


def _run(python: str, program: str, path: Path) -> tuple[float, float, int | None, int] | str:
    """Return seconds, peak MB, pages and characters of a program in a process of its own, or why it failed."""
    process = subprocess.Popen(
        ["timeout", str(LONGEST), python, "-c", _TIMED.format(program), str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        return f"took over {LONGEST} s" if code == 124 else f"failed ({code})"
    seconds, pages, characters = json.loads(output)
    return seconds, usage.ru_maxrss / 1024, pages, characters


def _markitdown() -> str:
    """Return the interpreter of an environment that has markitdown; "", with the reason printed, if none can be had."""
    python = MARKITDOWN / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import markitdown"], capture_output=True).returncode:
        for words in (
            [sys.executable, "-m", "venv", str(MARKITDOWN)],
            [str(python), "-m", "pip", "install", "--quiet", "markitdown[pdf]"],
        ):
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode:
                reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                print(f"not measured: markitdown ({reason})", flush=True)
                return ""
    return str(python)


def measure() -> list[Table]:
    """Return the table of reading; documents that were not fetched are named and left out."""
    paths = [CACHE / "documents" / file for file in FILES]
    for path in paths:
        if not path.exists():
            print(f"not measured: {path.name} (`scripts/fetch_documents.sh` fetches it)", flush=True)
    programs = {
        "Coursewright: headings, lists, listings, passages": (sys.executable, _OURS),
        f"pypdfium2 {version('pypdfium2')} alone: text of each page": (sys.executable, _BARE),
    }
    if python := _markitdown():
        programs["markitdown"] = (python, _MARKITDOWN)
    rows = []
    for path in filter(Path.exists, paths):
        pages = 0
        for name, (interpreter, program) in programs.items():
            result = _run(interpreter, program, path)
            if isinstance(result, str):
                rows.append((path.name, name, "–", result, "–", "–"))
                continue
            seconds, memory, counted, characters = result
            pages = counted or pages
            speed = f"{pages / seconds:,.0f}" if pages else "–"
            rows.append(
                (f"{path.name}, {pages:,} pages", name, f"{seconds:.1f}", speed, f"{memory:.0f}", f"{characters:,}")
            )
    return [
        Table(
            "Reading PDF",
            "Each in a process of its own, on one core; seconds include the import of what is used.",
            ("document", "reader", "seconds", "pages/s", "peak MB", "characters"),
            rows,
            whole=bool(python) and all(path.exists() for path in paths),
        )
    ]
