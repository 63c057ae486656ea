"""Reads PDF with pypdfium2: lines with their fonts from every page, then `pdf_layout` makes blocks of them."""

import gc
import re
from collections.abc import Iterator
from typing import Any

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.inline import clean
from coursewright.documents.read.licences import licence_in
from coursewright.documents.read.pdf_furniture import without_furniture
from coursewright.documents.read.pdf_headings import (
    Bookmark,
    add_slide_titles,
    first_page_title,
    headings_of_fonts,
    headings_of_outline,
)
from coursewright.documents.read.pdf_layout import add_blocks
from coursewright.documents.read.pdf_lines import Fonts, Line, joined, printed_lines
from coursewright.documents.read.pdf_pictures import Drawn, drawn_on, without_words
from coursewright.documents.read.pdf_tables import with_tables
from coursewright.errors import UnreadableDocument

_XYZ = 1  # PDFDEST_VIEW_XYZ: left, top, zoom
_NO_TITLE = re.compile(r"\.(dvi|docx?|tex|indd|pdf|odt|pptx?)$|^untitled|^microsoft word", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*[<(]\S+@\S+[>)]|,\s*\S+@\S+")
_PLACEHOLDER = re.compile(
    r"\[[^\]]*\]|\(?(?:unspecified|anonymous|unknown)\)?|(?:root|user|admin(?:istrator)?)", re.IGNORECASE
)


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
    author = _ADDRESS.sub("", re.sub(r"[\x00-\x1f]+", ", ", metadata.get("Author", ""))).strip(" ,;")
    builder.attribution = "" if _PLACEHOLDER.fullmatch(author) else author
    builder.licence = licence_in(f"{metadata.get('Subject', '')}\n{metadata.get('Keywords', '')}")
    title = clean(metadata.get("Title", "")).strip()
    if not _NO_TITLE.search(title):
        builder.title = title
    pages: list[list[Line]] = []
    drawn: list[Drawn] = []
    wide = 0
    for index in range(count):
        try:
            lines, beside, is_wide = _page(document, index, pdfium.raw)
            pages.append(lines)
            drawn.append(beside)
            wide += is_wide
        except pdfium.PdfiumError:
            pages.append([])
            drawn.append(Drawn())
            builder.warnings.append(f"page {index + 1} is damaged and was left out")
    letters = sum(len(line.text) for page in pages for line in page)
    if letters < 10 + 2 * count:
        raise UnreadableDocument(
            name,
            f"there is no text in its {count} page{'s' if count != 1 else ''} (scanned?)",
            hint="Run OCR first, e.g. `ocrmypdf scan.pdf text.pdf`.",
        )
    seen = [index for index, page in enumerate(pages) if not page and drawn[index].anything]
    if len(seen) == 1:
        builder.warnings.append(f"page {seen[0] + 1} of {count} shows a picture and no text (scanned?)")
    elif seen:
        first = f"the first is page {seen[0] + 1}"
        builder.warnings.append(f"{len(seen)} of {count} pages show pictures and no text (scanned?), {first}")
    for index in seen:
        drawn[index] = Drawn()
    bookmarks = list(_bookmarks(document))
    document.close()
    kept = without_furniture(pages)
    headings = headings_of_outline(kept, bookmarks) if bookmarks else headings_of_fonts(kept)
    if 2 * wide > count:
        add_slide_titles(headings, kept)
    builder.title = builder.title or (first_page_title(kept) if kept else "")
    add_blocks(builder, kept, headings)
    builder.pictures = without_words(drawn, builder.figures)
    return builder.build()


def _bookmarks(document: Any) -> Iterator[Bookmark]:
    for item in document.get_toc(max_depth=6):
        destination, title = item.get_dest(), item.get_title()
        page = destination.get_index() if destination else None
        if page is None or not title.strip():
            continue
        mode, place = destination.get_view()
        top = document.get_page_size(page)[1] - place[1] if mode == _XYZ and len(place) > 1 and place[1] else None
        yield Bookmark(item.level + 1, title, page, top)


def _page(document: Any, index: int, raw: Any) -> tuple[list[Line], Drawn, bool]:
    """Return the lines of a page, what it shows beside them, and whether it is wider than high."""
    page = document[index]
    textpage = page.get_textpage()
    try:
        width, height = page.get_size()
        fonts = Fonts(textpage, raw)
        printed = printed_lines(fonts, index, height)
        return joined(with_tables(printed, page, fonts, height)), drawn_on(page, raw), width > height
    finally:
        textpage.close()
        page.close()
        if index % 200 == 199:
            gc.collect(0)


__all__ = ["read_pdf"]
