"""Finds the files that a user means by paths: folders are walked, everything else is taken as it is."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coursewright.documents.read import EXTENSIONS
from coursewright.documents.read.foreign import foreign
from coursewright.errors import NothingToRead, UnreadableDocument


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read: its name in the knowledge base, where it is, and the SHA-256 of its content."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that is not read, and why."""

    name: str
    reason: str


def discover(paths: Sequence[Path], max_bytes: int) -> tuple[list[Found], list[Skipped]]:
    """Return the files to read, by name, and those left aside with the reason.

    Names are relative to the folder given (a file: its own name) and unique. Hidden files and folders are passed over
    silently; links to folders are not followed. Raises UnreadableDocument for a path that does not exist.
    """
    found: dict[str, Found] = {}
    skipped: list[Skipped] = []
    seen: dict[str, str] = {}
    for root in paths:
        if not root.exists():
            raise UnreadableDocument(str(root), f"{root} does not exist.", hint="Check the path.")
        for path, relative in _walk(root):
            name = _unique(relative, found)
            digest = ""
            try:
                reason = _reason(path, max_bytes, named=path == root)
                digest = "" if reason else _digest(path)
            except OSError as error:
                reason = f"it cannot be opened ({error.strerror})"
            if reason:
                skipped.append(Skipped(name, reason))
                continue
            if digest in seen:
                skipped.append(Skipped(name, f"the same as {seen[digest]}"))
                continue
            seen[digest] = name
            found[name] = Found(name, path, digest)
    if not found:
        detail = (
            "There is nothing to read: "
            + ("; ".join(f"{each.name}: {each.reason}" for each in skipped[:5]) or "the folder is empty")
            + "."
        )
        raise NothingToRead(detail, hint="Give a folder or files: " + ", ".join(sorted(EXTENSIONS)) + ".")
    return [found[name] for name in sorted(found)], skipped


def _walk(root: Path) -> Iterator[tuple[Path, str]]:
    if root.is_file():
        yield root, _readable(root.name)
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                path = Path(folder, name)
                yield path, _readable(path.relative_to(root).as_posix())


def _readable(name: str) -> str:
    """Return a name that can be stored: file systems allow bytes that are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _reason(path: Path, max_bytes: int, *, named: bool) -> str:
    if not path.is_file():
        return "not a regular file"
    if path.suffix.lower() not in EXTENSIONS and not named:
        what, remedy = foreign(path.suffix) or ("", "")
        return f"{what} is not read: {remedy}" if what else "not a kind of document that is read"
    size = path.stat().st_size
    if size > max_bytes:
        return f"{size / 1e6:.0f} MB is more than the limit of {max_bytes / 1e6:.0f} MB"
    return ""


def _unique(name: str, taken: dict[str, Found]) -> str:
    stem, dot, extension = name.rpartition(".")
    candidate, n = name, 2
    while candidate in taken:
        candidate = f"{stem} ({n}){dot}{extension}" if dot else f"{name} ({n})"
        n += 1
    return candidate


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["Found", "Skipped", "discover"]
