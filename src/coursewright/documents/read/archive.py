"""Opens zip containers (DOCX, EPUB, …) safely: sizes, names, encryption and XML entities are checked first."""

import io
import zipfile
from pathlib import PurePosixPath

from coursewright.errors import UnreadableDocument

_MOST_PARTS = 20_000
_XML_PARTS = (".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".htm", ".vml")
_PIECE = 1 << 20


def open_archive(name: str, content: bytes, max_unpacked: int) -> zipfile.ZipFile:
    """Return the archive after every part was unpacked once, counted and thrown away; sizes in bytes.

    A declared size can lie, so the real one is counted. Raises `UnreadableDocument`.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise UnreadableDocument(
            name, f"the file is damaged or cut off ({error})", hint="Fetch or export it again."
        ) from error
    if len(parts) > _MOST_PARTS:
        raise UnreadableDocument(
            name,
            f"the archive has {len(parts)} parts; at most {_MOST_PARTS} are read",
            hint="Split it, or leave it out.",
        )
    _check_sizes(name, sum(part.file_size for part in parts), max_unpacked)
    unpacked = 0
    for part in parts:
        _check_part(name, part)
        unpacked = _check_content(name, archive, part, unpacked, max_unpacked)
    return archive


def _check_part(name: str, part: zipfile.ZipInfo) -> None:
    path = PurePosixPath(part.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts[:1] or ("",))[0]:
        raise UnreadableDocument(
            name, f"the archive holds a part with an unsafe name: {part.filename!r}", hint="Do not trust this file."
        )
    if part.flag_bits & 0x1:
        raise UnreadableDocument(name, "the file is encrypted", hint="Save it without a password and try again.")


def _check_content(name: str, archive: zipfile.ZipFile, part: zipfile.ZipInfo, unpacked: int, most: int) -> int:
    is_xml = part.filename.lower().endswith(_XML_PARTS)
    strict = part.filename.lower().endswith((".xml", ".rels", ".vml"))
    seen = b""
    try:
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                unpacked += len(piece)
                _check_sizes(name, unpacked, most)
                if is_xml:
                    _check_entities(name, part.filename, seen[-16:] + piece, strict=strict)
                    seen = piece
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise UnreadableDocument(
            name, f"the part {part.filename!r} is damaged ({error})", hint="Fetch or export it again."
        ) from error
    except Exception as error:  # zlib.error has no base of its own
        if isinstance(error, UnreadableDocument):
            raise
        raise UnreadableDocument(
            name, f"the part {part.filename!r} is damaged ({error})", hint="Fetch or export it again."
        ) from error
    return unpacked


def _check_sizes(name: str, size: int, most: int) -> None:
    if size > most:
        raise UnreadableDocument(
            name,
            f"the archive unpacks to more than {most >> 20} MB",
            hint="If the file is honest, raise COURSEWRIGHT_DOCUMENTS__MAX_UNPACKED_MB.",
        )


def _check_entities(name: str, part: str, piece: bytes, *, strict: bool) -> None:
    """Refuse entity declarations; office formats need no document type at all, EPUB's XHTML may name a public one."""
    plain = piece.replace(b"\x00", b"")  # UTF-16
    if b"<!ENTITY" in plain or (strict and b"<!DOCTYPE" in plain and b"-//NISO//DTD ncx" not in plain):
        raise UnreadableDocument(
            name, f"the part {part!r} declares XML entities, which is an attack", hint="Do not trust this file."
        )


__all__ = ["open_archive"]
