"""Finds the files that a user means by paths: folders are walked, everything else is taken as it is."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from coursewright.documents.read import EXTENSIONS
from coursewright.documents.read.foreign import foreign
from coursewright.errors import NothingToRead, UnreadableDocument

_LONGEST_SHOWN = 200  # characters of a path in a message
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".svg"})
_SHOW_IMAGES = frozenset({".md", ".markdown", ".html", ".htm", ".xhtml"})
_SHOWN = re.compile(
    r"""!\[[^\]]*\]\(\s*<?([^)>\s]+)|^\s*\[[^\]]+\]:\s*<?([^>\s]+)|<(?:img|object|source)\b[^>]*?"""
    r"""\b(?:src|data|srcset)\s*=\s*["']?([^"'>\s]+)""",
    re.I | re.M,
)


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


def discover(paths: Sequence[Path], max_bytes: int, marker: str = "") -> tuple[list[Found], list[Skipped]]:
    """Return the files to read, by name, and those left aside with the reason.

    Names are relative to the folder given (a file: its own name) and unique. Hidden files and folders are passed over
    silently, and so are images that a page among the files shows. Links to folders and out of the folder given are not
    followed: an unpacked archive may hold links to anything. A folder inside that holds a file called `marker` is an
    output, not a source. Raises UnreadableDocument for a path that does not exist or is neither a file nor a folder.
    """
    found: dict[str, Found] = {}
    skipped: list[Skipped] = []
    seen: dict[str, str] = {}
    images: dict[str, Path] = {}
    for root in paths:
        _check_root(root)
        inside = Path(os.path.realpath(root))
        for path, relative, why in _walk(root, marker):
            name = _unique(relative, found)
            digest = ""
            try:
                reason = why or _reason(path, inside, max_bytes, named=path == root)
                digest = "" if reason else digest_of(path)
            except OSError as error:
                reason = f"it cannot be opened ({error.strerror})"
            if reason:
                skipped.append(Skipped(name, reason))
                if path.suffix.lower() in _IMAGES:
                    images[name] = path
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
    if images:
        shown = {image for each in found.values() for image in _images_of(each.path)}
        skipped = [each for each in skipped if each.name not in images or _place(images[each.name]) not in shown]
    return [found[name] for name in sorted(found)], skipped


def _images_of(page: Path) -> Iterator[str]:
    """Yield where the images lie that a page shows by reference."""
    if page.suffix.lower() in _SHOW_IMAGES:
        for match in _SHOWN.finditer(page.read_text("utf-8", "replace")):
            target = unquote(next(filter(None, match.groups())).partition("?")[0].partition("#")[0])
            if "\0" not in target:
                yield _place(page.parent / target)


def _place(path: Path) -> str:
    return os.path.normpath(path.absolute())


def _check_root(root: Path) -> None:
    shown = _readable(str(root))
    shown = shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"
    try:
        mode = root.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableDocument(shown, f"{shown} does not exist.", hint="Check the path.") from error
    except OSError as error:
        raise UnreadableDocument(
            shown, f"{shown} cannot be opened: {error.strerror}.", hint="Check the path, and that you may read it."
        ) from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise UnreadableDocument(
            shown, f"{shown} is a pipe or a device, not a file or a folder.", hint="Save its content to a file first."
        )


def _walk(root: Path, marker: str) -> Iterator[tuple[Path, str, str]]:
    """Yield each file with its name, and what will not be entered with its name and the reason."""
    if root.is_file():
        yield root, _readable(root.name), ""
        return
    closed: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=closed.append):
        here = Path(folder)
        if marker in files and here != root:
            folders.clear()
            yield here, _relative(here, root), "a course that was written here, not a source"
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (here / name).is_symlink():
                yield here / name, _relative(here / name, root), "a link to a folder; name that folder to read it"
        for name in sorted(files):
            if not name.startswith("."):
                yield here / name, _relative(here / name, root), ""
    for error in closed:
        path = Path(os.fsdecode(error.filename))
        yield path, _relative(path, root), f"the folder cannot be opened ({error.strerror})"


def _relative(path: Path, root: Path) -> str:
    return _readable(path.relative_to(root).as_posix())


def _readable(name: str) -> str:
    """Return a name that can be stored: file systems allow bytes that are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _reason(path: Path, inside: Path, max_bytes: int, *, named: bool) -> str:
    if path.is_symlink() and not named:
        target = Path(os.path.realpath(path))
        if not target.is_relative_to(inside):
            return "a link out of the folder; name its target to read it"
        if not path.exists():
            return "a link that leads nowhere"
    if not path.is_file():
        return "not a regular file"
    if path.suffix.lower() not in EXTENSIONS and not named:
        what, remedy = foreign(path.suffix) or ("", "")
        return f"{what} is not read: {remedy}" if what else "not a kind of document that is read"
    size = path.stat().st_size
    if size > max_bytes:
        limit = f"{size / (1 << 20):.0f} MB is more than the limit of {max_bytes >> 20} MB"
        return f"{limit}: split it, or raise COURSEWRIGHT_DOCUMENTS__MAX_FILE_MB"
    return ""


def _unique(name: str, taken: dict[str, Found]) -> str:
    stem, dot, extension = name.rpartition(".")
    candidate, n = name, 2
    while candidate in taken:
        candidate = f"{stem} ({n}){dot}{extension}" if dot else f"{name} ({n})"
        n += 1
    return candidate


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's content. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["Found", "Skipped", "digest_of", "discover"]
