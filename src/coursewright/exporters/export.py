"""Writes a course and its quality report into a folder, whole or not at all."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from coursewright.course.model import Course
from coursewright.course.quality import Quality
from coursewright.errors import OutputError
from coursewright.exporters.markdown import render_markdown
from coursewright.exporters.site import render_site

Format = Literal["json", "site", "markdown", "quality"]
FORMATS: tuple[Format, ...] = ("json", "site", "markdown", "quality")
MARKER = ".coursewright-export"  # says that a folder is ours, and lists what in it may be replaced


def export(course: Course, quality: Quality, formats: Sequence[Format] = FORMATS, *, out: Path) -> tuple[Path, ...]:
    """Write the formats into `out` and return their paths, in the order of `FORMATS`.

    Everything is written beside `out` first and moved into place by renames, so a failure leaves the previous export
    as it was. A folder that holds anything is refused unless an export of ours made it; other files in it stay.
    Raises OutputError.
    """
    wanted = [name for name in FORMATS if name in formats]
    _refuse_foreign(out)
    with _explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            for path, content in _files(course, quality, wanted).items():
                target = staging / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            _move_into_place(staging, out)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return tuple(out / _ENTRY[name] for name in wanted)


def render_json(model: Course | Quality) -> bytes:
    """Return the canonical JSON: the model's order, two spaces, UTF-8, a newline at the end."""
    return (json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n").encode()


_ENTRY: dict[Format, str] = {
    "json": "course.json",
    "site": "site/index.html",
    "markdown": "course.md",
    "quality": "quality.json",
}


def _files(course: Course, quality: Quality, formats: Sequence[Format]) -> Mapping[str, bytes]:
    files: dict[str, bytes] = {}
    for name in formats:
        match name:
            case "json":
                files["course.json"] = render_json(course)
            case "quality":
                files["quality.json"] = render_json(quality)
            case "markdown":
                files["course.md"] = render_markdown(course).encode()
            case "site":
                files |= {f"site/{path}": content for path, content in render_site(course).items()}
    return files


def _refuse_foreign(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file, not a folder.", hint="Name another folder with --out.")
    with _explained(out):
        foreign = out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file()
    if foreign:
        raise OutputError(
            f"{out} is not empty and was not made by Coursewright.",
            hint="Name another folder with --out; nothing was written.",
        )


def _move_into_place(staging: Path, out: Path) -> None:
    names = sorted(path.name for path in staging.iterdir())
    out.mkdir(exist_ok=True)
    marker = out / MARKER
    ours = set(marker.read_text("utf-8").split()) if marker.is_file() else set()
    # The marker is written first and names old and new, so an interrupted move can always be repeated.
    _write_marker(marker, sorted({*ours, *names}))
    old = staging / ".old"
    old.mkdir()
    try:
        for name in names:
            if (out / name).exists():
                (out / name).rename(old / name)
            (staging / name).rename(out / name)
    except OSError:
        for kept in old.iterdir():
            if not (out / kept.name).exists():
                kept.rename(out / kept.name)
        raise


def _write_marker(marker: Path, names: Sequence[str]) -> None:
    temporary = marker.with_name(MARKER + ".new")
    temporary.write_text("".join(f"{name}\n" for name in names), "utf-8")
    os.replace(temporary, marker)


@contextlib.contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise OutputError(f"No permission to write {error.filename or out}.", hint="Choose another --out.") from error
    except OSError as error:
        full = error.errno in {28, 122}  # ENOSPC, EDQUOT
        hint = "Free some space and export again; the course itself is safe." if full else "Choose another --out."
        raise OutputError(f"{out} cannot be written: {error.strerror or error}.", hint=hint) from error


__all__ = ["FORMATS", "MARKER", "Format", "export", "render_json"]
