"""Tells a file's format and lets its reader read it."""

from dataclasses import replace

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.inline import clean
from coursewright.documents.read.sniff import Format, sniff


def read(name: str, content: bytes, *, max_unpacked: int = 1 << 30) -> ReadDocument:
    """Read the document `name` (its path in the knowledge base) from its bytes.

    `max_unpacked` limits, in bytes, what an archive may unpack to. Raises `UnreadableDocument`. Runs without limits on
    time and memory: `reading.read_files` gives it a process with both.
    """
    warnings: list[str] = []
    document = _read_as(sniff(name, content, warnings), name, content, max_unpacked)
    return replace(document, warnings=tuple(map(clean, (*warnings, *document.warnings))))


def _read_as(found: Format, name: str, content: bytes, max_unpacked: int) -> ReadDocument:
    # The imports stand here on purpose: a child that reads Markdown need not load the PDF library.
    match found:
        case "markdown":
            from coursewright.documents.read.markdown import read_markdown

            return read_markdown(name, content)
        case "html":
            from coursewright.documents.read.html import read_html

            return read_html(name, content)
        case "pdf":
            from coursewright.documents.read.pdf import read_pdf

            return read_pdf(name, content)
        case "docx":
            from coursewright.documents.read.docx import read_docx

            return read_docx(name, content, max_unpacked)
        case "epub":
            from coursewright.documents.read.epub import read_epub

            return read_epub(name, content, max_unpacked)
        case "pptx":
            from coursewright.documents.read.pptx import read_pptx

            return read_pptx(name, content, max_unpacked)
        case "xlsx":
            from coursewright.documents.read.xlsx import read_xlsx

            return read_xlsx(name, content, max_unpacked)
        case "csv":
            from coursewright.documents.read.delimited import read_delimited

            return read_delimited(name, content)
        case "vtt":
            from coursewright.documents.read.subtitles import read_vtt

            return read_vtt(name, content)
        case "srt":
            from coursewright.documents.read.subtitles import read_srt

            return read_srt(name, content)
        case "text":
            from coursewright.documents.read.plain import read_plain

            return read_plain(name, content)


__all__ = ["read"]
