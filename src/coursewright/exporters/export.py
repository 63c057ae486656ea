"""Writes a course and its quality report into a folder, whole or not at all."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from coursewright.course.model import Course
from coursewright.course.quality import Quality
from coursewright.errors import OutputError
from coursewright.exporters.formats import FORMATS, MARKER, Format
from coursewright.exporters.markdown import render_markdown
from coursewright.exporters.site import render_site


def export(course: Course, quality: Quality, formats: Sequence[Format] = FORMATS, *, out: Path) -> tuple[Path, ...]:
    """Write the formats into `out` and return their paths, in the order of `FORMATS`.

    Everything is written beside `out` first and moved into place by renames, so a failure leaves the previous export
    as it was. A folder that holds anything is refused unless an export of ours made it; other files in it stay.
    Formats that are not written now stay when they are of the same course, and go when they tell of another.
    Raises OutputError.
    """
    wanted = [name for name in FORMATS if name in formats]
    check_folder(out)
    digest = hashlib.sha256(render_json(course)).hexdigest()
    with _explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}.", dir=out.parent))
        try:
            for path, content in _files(course, quality, wanted).items():
                target = staging / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            _move_into_place(staging, out, digest)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return tuple(out / _ENTRY[name] for name in wanted)


def render(course: Course, quality: Quality, wanted: Format) -> Mapping[str, bytes]:
    """Return the files of one format by their paths."""
    return _files(course, quality, [wanted])


def render_json(model: Course | Quality) -> bytes:
    """Return the canonical JSON: the model's order, two spaces, UTF-8, a newline at the end."""
    return (json.dumps(model.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n").encode()


_COURSE = "# course "
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


def check_folder(out: Path) -> None:
    """Raise OutputError when a course cannot be written there: to be asked before the work, too."""
    with _explained(out):
        taken = out.exists() and not out.is_dir()
    if taken:
        raise OutputError(f"{out} is a file, not a folder.", hint="Name another folder with --out.")
    with _explained(out):
        foreign = out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file()
    if foreign:
        raise OutputError(
            f"{out} is not empty and was not made by Coursewright.",
            hint="Name another folder with --out; nothing was written.",
        )
    nearest = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise OutputError(f"{nearest} is a file, so {out} cannot be made.", hint="Name another folder with --out.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"No permission to write in {nearest}.", hint="Choose another --out.")


def _move_into_place(staging: Path, out: Path, digest: str) -> None:
    names = sorted(path.name for path in staging.iterdir())
    out.mkdir(exist_ok=True)
    ours, held = _read_marker(out)
    stale = set() if held == digest else ours - set(names)
    # The marker is written first and names old and new, so an interrupted move can always be repeated.
    _write_marker(out, {*ours, *names}, held)
    old = staging / ".old"
    old.mkdir()
    try:
        for name in (*names, *sorted(stale)):
            if (out / name).exists():
                (out / name).rename(old / name)
            if name not in stale:
                (staging / name).rename(out / name)
    except OSError:
        for kept in old.iterdir():
            if not (out / kept.name).exists():
                kept.rename(out / kept.name)
        raise
    _write_marker(out, {*ours, *names} - stale, digest)


def _read_marker(out: Path) -> tuple[set[str], str]:
    """Return the names that are ours, and the hash of the course they tell of."""
    marker = out / MARKER
    lines = marker.read_text("utf-8").splitlines() if marker.is_file() else []
    names = {line for line in lines if line and not line.startswith("#")}
    return names, next((line.removeprefix(_COURSE) for line in lines if line.startswith(_COURSE)), "")


def _write_marker(out: Path, names: Collection[str], digest: str) -> None:
    temporary = out / (MARKER + ".new")
    lines = [f"{_COURSE}{digest}", *sorted(names)]
    temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    os.replace(temporary, out / MARKER)


@contextlib.contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise OutputError(f"No permission to write {error.filename or out}.", hint="Choose another --out.") from error
    except OSError as error:
        full = error.errno in {28, 122}  # ENOSPC, EDQUOT
        hint = "Free some space." if full else "Choose another --out."
        raise OutputError(f"{out} cannot be written: {error.strerror or error}.", hint=hint) from error


__all__ = ["FORMATS", "Format", "check_folder", "export", "render", "render_json"]
