"""Which format a file has: by its content where that tells, else by its extension."""

import io
import re
import zipfile
from pathlib import PurePosixPath
from typing import Literal

from coursewright.documents.read.foreign import FOREIGN, OPEN_DOCUMENT, foreign, foreign_by_content
from coursewright.errors import UnreadableDocument

Format = Literal["markdown", "html", "pdf", "docx", "text", "epub", "pptx", "xlsx", "csv", "vtt", "srt"]

EXTENSIONS: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".txt": "text",
    ".text": "text",
    ".epub": "epub",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
    ".vtt": "vtt",
    ".srt": "srt",
}
_ZIP = b"PK\x03\x04"
_TEXTS = ("markdown", "html", "text", "csv", "vtt", "srt")
_SRT = re.compile(rb"\d+[ \t]*\r?\n\d\d?:\d\d:\d\d[,.]\d{1,3}[ \t]*-->")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OLD_OFFICE = (
    ("WordDocument", ".doc"),
    ("PowerPoint Document", ".ppt"),
    ("Workbook", ".xls"),
    ("Book", ".xls"),
)  # streams


def sniff(name: str, content: bytes, warnings: list[str]) -> Format:
    """Return the format of `content`; says in `warnings` when the extension claims another one."""
    extension = PurePosixPath(name).suffix.lower()
    claimed = EXTENSIONS.get(extension)
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UnreadableDocument(name, "the file is empty", hint="Leave it out, or export it again.")
    found = _by_content(name, content)
    if found is None:
        if claimed in _TEXTS:
            return claimed
        if claimed is None:
            _refuse_extension(name)
            return "text"
        kind = "cut off, or " if content[:2] == b"PK" else ""
        raise UnreadableDocument(
            name,
            f"the file is {kind}not a {claimed.upper()} document",
            hint="Give it its true extension, or export it again.",
        )
    if found == "html" and claimed == "markdown":  # may begin with a tag and still be what it claims
        found = claimed
    if claimed != found and (claimed is not None or foreign(extension)):
        warnings.append(f"it is named as {claimed or extension}, but is {found}; read as {found}")
    return found


def refuse_foreign(name: str, content: bytes) -> None:
    """Raise `UnreadableDocument` for a type of file that is never read, without opening what may be an archive."""
    if not content.startswith(_ZIP) and _by_head(name, content) is None:
        _refuse_extension(name)


def _refuse_extension(name: str) -> None:
    extension = PurePosixPath(name).suffix.lower()
    if extension not in EXTENSIONS and (unread := foreign(extension)):
        raise _unread(name, unread)


def _unread(name: str, unread: tuple[str, str]) -> UnreadableDocument:
    what, remedy = unread
    return UnreadableDocument(name, f"it is {what}, which is not read", hint=remedy[0].upper() + remedy[1:] + ".")


def _by_content(name: str, content: bytes) -> Format | None:
    return _by_parts(name, content) if content.startswith(_ZIP) else _by_head(name, content)


def _by_head(name: str, content: bytes) -> Format | None:
    head = content[:1024]
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise _ole(name, content)
    if unread := foreign_by_content(head):
        raise _unread(name, unread)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"WEBVTT"):
        return "vtt"
    if _SRT.match(start):
        return "srt"
    lowered = start[:200].lower()
    if lowered.startswith((b"<!doctype html", b"<html")) or (lowered.startswith(b"<?xml") and b"<html" in head.lower()):
        return "html"
    return None


def _ole(name: str, content: bytes) -> UnreadableDocument:
    """Tell what a compound file (OLE2) is: Office wraps encrypted documents in one, and wrote old ones so."""
    if _ENCRYPTED in content:
        return UnreadableDocument(
            name,
            "the document is protected by a password",
            hint="Open it, take the password away and save it again.",
        )
    for stream, extension in _OLD_OFFICE:
        if stream.encode("utf-16-le") in content:
            return _unread(name, FOREIGN[extension])
    return _unread(name, foreign(PurePosixPath(name).suffix) or ("an old Office file", "save it as .docx or PDF"))


def _by_parts(name: str, content: bytes) -> Format | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.namelist()
            first = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in parts else ""
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, RuntimeError) as error:
        raise UnreadableDocument(
            name, f"the file is damaged or cut off ({error})", hint="Fetch or export it again."
        ) from error
    if first.startswith("application/vnd.oasis.opendocument."):
        raise _unread(name, FOREIGN[OPEN_DOCUMENT.get(first.split(".")[-1].split("-")[0], ".odt")])
    if "META-INF/container.xml" in parts:
        return "epub"
    folders: tuple[tuple[str, Format], ...] = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
    for folder, found in folders:
        if any(part.startswith(folder) for part in parts):
            if found == "xlsx" and "xl/workbook.bin" in parts:
                raise _unread(name, FOREIGN[".xlsb"])
            return found
    extension = PurePosixPath(name).suffix.lower()
    claimed = EXTENSIONS.get(extension)
    if claimed in ("docx", "pptx", "xlsx", "epub"):
        return claimed  # its reader says which part is missing
    raise _unread(name, foreign(extension) or FOREIGN[".zip"])


__all__ = ["EXTENSIONS", "Format", "refuse_foreign", "sniff"]
