"""Reads PDF with pypdfium2: lines with their fonts from every page, then `pdf_layout` makes blocks of them.

Per-character calls into the library would take minutes for 2,000 pages; the font is asked once a word, and the answer
is remembered for each text object.
"""

import ctypes
import gc
import re
from collections.abc import Iterator
from typing import Any

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.inline import clean
from coursewright.documents.read.pdf_furniture import without_furniture
from coursewright.documents.read.pdf_layout import Bookmark, Line, Word, add_blocks
from coursewright.errors import UnreadableDocument

_WORD = re.compile(r"\S+")
_LIGATURES = {ord("ﬀ"): "ff", ord("ﬁ"): "fi", ord("ﬂ"): "fl", ord("ﬃ"): "ffi", ord("ﬄ"): "ffl", 0xA0: " "}
_SOFT_HYPHEN = re.compile("[\x02\xad\ufffe](?=.)")  # PDFium marks a hyphen at a line end so, and joins the word
_LAST_HYPHEN = str.maketrans("\x02\xad\ufffe", "---")
_MONO = re.compile(r"mono|courier|typewriter|cmtt|sftt|ectt|consol|menlo|inconsolata|lmtt|fixed", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|semibold|-bd|cmbx|sfbx|ecbx|demi", re.IGNORECASE)


def read_pdf(name: str, content: bytes) -> ReadDocument:
    """Read a PDF; headings come from its outline, else from the sizes of its fonts."""
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(content)
        count = len(document)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise UnreadableDocument(
                name, "the PDF is protected by a password", hint="Save it without a password and try again."
            ) from error
        raise UnreadableDocument(
            name, f"the PDF is damaged or cut off ({error})", hint="Fetch or export it again."
        ) from error
    builder = DocumentBuilder(name)
    builder.pages = count
    metadata = document.get_metadata_dict(skip_empty=True)
    builder.attribution = metadata.get("Author", "")
    title = clean(metadata.get("Title", "")).strip()
    if not re.search(r"\.(dvi|docx?|tex|indd|pdf)$|^untitled|^microsoft word", title, re.IGNORECASE):
        builder.title = title
    pages = []
    for index in range(count):
        try:
            pages.append(list(_lines(document, index, pdfium.raw)))
        except pdfium.PdfiumError:
            pages.append([])
            builder.warnings.append(f"page {index + 1} is damaged and was left out")
    letters = sum(len(line.text) for page in pages for line in page)
    if letters < 10 + 2 * count:
        raise UnreadableDocument(
            name,
            f"there is no text in its {count} page{'s' if count != 1 else ''} (scanned?)",
            hint="Run OCR first, e.g. `ocrmypdf scan.pdf text.pdf`.",
        )
    empty = [index + 1 for index, page in enumerate(pages) if not page]
    if len(empty) > max(2, count // 10):
        builder.warnings.append(f"{len(empty)} of {count} pages have no text (images?), the first is page {empty[0]}")
    bookmarks = [
        Bookmark(item.level + 1, item.title, item.page)
        for item in _outline(document)
        if item.title.strip() and item.page is not None
    ]
    document.close()
    add_blocks(builder, without_furniture(pages), bookmarks)
    return builder.build()


class _Entry:
    def __init__(self, level: int, title: str, page: int | None) -> None:
        self.level, self.title, self.page = level, title, page


def _outline(document: Any) -> Iterator[_Entry]:
    for bookmark in document.get_toc(max_depth=6):
        destination = bookmark.get_dest()
        yield _Entry(bookmark.level, bookmark.get_title(), destination.get_index() if destination else None)


def _lines(document: Any, index: int, raw: Any) -> Iterator[Line]:
    page = document[index]
    textpage = page.get_textpage()
    try:
        height = page.get_height()
        text = _text(textpage, raw)
        fonts: dict[int, tuple[bool, bool]] = {}
        position = 0
        for piece in text.split("\n"):
            if piece.strip():
                line = _line(textpage, raw, piece, position, index, height, fonts)
                if line is not None:
                    yield line
            position += len(piece) + 1
    finally:
        textpage.close()
        page.close()
        if index % 200 == 199:
            gc.collect(0)


def _text(textpage: Any, raw: Any) -> str:
    """Return exactly one character a character index, with line ends as spaces plus newline."""
    count = textpage.count_chars()
    text = textpage.get_text_range() if count > 0 else ""
    if len(text) != count:  # characters beyond the basic plane or without a mapping: ask one by one
        text = "".join(chr(raw.FPDFText_GetUnicode(textpage, i) & 0x1FFFFF) for i in range(count))
    return str(text).replace("\r", " ")


def _line(
    textpage: Any, raw: Any, text: str, position: int, page: int, height: float, fonts: dict[int, tuple[bool, bool]]
) -> Line | None:
    words: list[Word] = []
    box = raw.FS_RECTF()
    left, right, top, bottom, size = 0.0, 0.0, 0.0, 0.0, 0.0
    for found in _WORD.finditer(text):
        start = position + found.start()
        mono, bold = _font(textpage, raw, start, fonts)
        word = clean(_SOFT_HYPHEN.sub("", found[0].translate(_LIGATURES)).translate(_LAST_HYPHEN))
        if not word:
            continue
        if not words:
            raw.FPDFText_GetLooseCharBox(textpage, start, box)
            left, top, bottom = box.left, height - box.top, height - box.bottom
            size = box.top - box.bottom
        words.append(Word(word, mono, bold, found.start()))
    if not words:
        return None
    raw.FPDFText_GetLooseCharBox(textpage, position + len(text.rstrip()) - 1, box)
    right, bottom = box.right, max(bottom, height - box.bottom)  # a hyphenated word may join two printed lines
    return Line(tuple(words), page, left, right, top, bottom, round(size, 1))


def _font(textpage: Any, raw: Any, index: int, fonts: dict[int, tuple[bool, bool]]) -> tuple[bool, bool]:
    """Return whether the character is monospaced, and bold."""
    handle = raw.FPDFText_GetTextObject(textpage, index)
    key = ctypes.cast(handle, ctypes.c_void_p).value or 0
    known = fonts.get(key)
    if known is None:
        buffer = ctypes.create_string_buffer(128)
        flags = ctypes.c_int()
        raw.FPDFText_GetFontInfo(textpage, index, buffer, 128, flags)
        name = buffer.value.decode("utf-8", "replace")
        # FPDFText_GetFontWeight is no help: it guesses from stem widths and calls ordinary Roman type bold
        known = fonts[key] = (bool(flags.value & 1) or bool(_MONO.search(name)), bool(_BOLD.search(name)))
    return known


__all__ = ["read_pdf"]
