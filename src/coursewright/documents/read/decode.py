"""Bytes to text: byte order marks, UTF-16 and ISO 2022 without one, declared and guessed legacy encodings."""

import codecs
import re

from coursewright.errors import UnreadableDocument

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(
    rb"""<(?:meta[^>]{0,200}charset|\?xml[^>]{0,200}encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)


def decode(name: str, content: bytes, warnings: list[str], *, html: bool = False) -> str:
    """Return the text of `content`; what had to be guessed or dropped is added to `warnings`."""
    encoding = _marked(content) or _without_mark(content)
    if encoding is None and html and (declared := _DECLARED.search(content[:4096])):
        encoding = _known(declared[1].decode("ascii"))
    text = _try(content, encoding) if encoding else None
    if text is None:
        text = _try(content, "utf-8")
    if text is None:
        text = _guess(name, content, warnings)
    if "\x00" in text:
        number = text.count("\x00")
        warnings.append(f"{number:,} NUL characters were dropped" if number > 1 else "1 NUL character was dropped")
        text = text.replace("\x00", "")
    return text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")


def _marked(content: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)


def _without_mark(content: bytes) -> str | None:
    """Recognise UTF-16 without a mark: in most scripts every other byte is a small number. And ISO 2022 by escapes."""
    head = content[: min(len(content) // 2 * 2, 4096)]
    half = len(head) // 2
    if half < 2:
        return None
    if any(escape in content[:100_000] for escape in (b"\x1b$B", b"\x1b$@")):
        return "iso2022_jp"
    even, odd = (sum(byte < 0x20 and byte not in b"\t\n\r" for byte in head[first::2]) for first in (0, 1))
    if odd > 0.3 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.1 * half:
        return "utf-16-be"
    return None


def _known(encoding: str) -> str | None:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return None


def _try(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeError:
        return None


def _guess(name: str, content: bytes, warnings: list[str]) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(content[:200_000]).best()
    if best is None:
        raise UnreadableDocument(
            name, "it is not text in any known encoding", hint="Save it as UTF-8, or give it its true file extension."
        )
    warnings.append(f"not UTF-8; read as {best.encoding}, which was guessed")
    return content.decode(best.encoding, errors="replace")


__all__ = ["decode"]
