"""Which format a file has: by its content where that tells, else by its extension."""

import io
import zipfile
from pathlib import PurePosixPath
from typing import Literal

from coursewright.errors import UnreadableDocument

Format = Literal["markdown", "html", "pdf", "docx", "text", "epub", "pptx", "xlsx"]

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
}
_TEXTS = ("markdown", "html", "text")
_FOREIGN = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"%!PS", "a PostScript file"),
)
_CONVERT = "Convert it to PDF, DOCX, HTML, Markdown or text first."


def sniff(name: str, content: bytes, warnings: list[str]) -> Format:
    """Return the format of `content`; says in `warnings` when the extension claims another one."""
    claimed = EXTENSIONS.get(PurePosixPath(name).suffix.lower())
    if not content.strip(b"\x00 \t\r\n"):
        raise UnreadableDocument(name, "the file is empty", hint="Leave it out, or export it again.")
    found = _by_content(name, content)
    if found is None:
        if claimed in _TEXTS or claimed is None:
            return claimed or "text"
        kind = "cut off, or " if content[:2] == b"PK" else ""
        raise UnreadableDocument(
            name,
            f"the file is {kind}not a {claimed.upper()} document",
            hint="Give it its true extension, or export it again.",
        )
    if found == "html" and claimed in ("markdown", "text"):  # may begin with a tag and still be what it claims
        found = claimed if claimed != "text" else found
    if claimed is not None and claimed != found:
        warnings.append(f"it is named as {claimed}, but is {found}; read as {found}")
    return found


def _by_content(name: str, content: bytes) -> Format | None:
    head = content[:1024]
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _by_parts(name, content)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        if (
            b"E\x00n\x00c\x00r\x00y\x00p\x00t" in content[:1_000_000]
            or b"E\x00n\x00c\x00r\x00y\x00p\x00t" in content[-1_000_000:]
        ):
            raise UnreadableDocument(
                name, "the document is protected by a password", hint="Save it without a password."
            )
        raise UnreadableDocument(name, "it is an old Office file (.doc, .xls or .ppt)", hint=_CONVERT)
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise UnreadableDocument(name, f"it is {what}", hint=_CONVERT)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    lowered = start[:200].lower()
    if lowered.startswith((b"<!doctype html", b"<html")) or (lowered.startswith(b"<?xml") and b"<html" in head.lower()):
        return "html"
    return None


def _by_parts(name: str, content: bytes) -> Format | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise UnreadableDocument(
            name, f"the file is damaged or cut off ({error})", hint="Fetch or export it again."
        ) from error
    if "META-INF/container.xml" in parts:
        return "epub"
    folders: tuple[tuple[str, Format], ...] = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
    for folder, found in folders:
        if any(part.startswith(folder) for part in parts):
            return found
    claimed = EXTENSIONS.get(PurePosixPath(name).suffix.lower())
    if claimed in ("docx", "pptx", "xlsx", "epub"):
        return claimed  # its reader says which part is missing
    raise UnreadableDocument(name, "it is a zip archive", hint="Unpack it and give the files or the folder.")


__all__ = ["EXTENSIONS", "Format", "sniff"]
