"""Reads one document of any known format. A format's libraries are imported when its first file comes."""

from dataclasses import replace

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.sniff import EXTENSIONS, sniff
from coursewright.errors import UnreadableDocument


def read(name: str, content: bytes, *, max_unpacked: int = 1 << 30) -> ReadDocument:
    """Read the document `name` (its path in the knowledge base) from its bytes.

    `max_unpacked` limits, in bytes, what an archive may unpack to. Raises `UnreadableDocument`. Runs without limits on
    time and memory: `reading.read_files` gives it a process with both.
    """
    warnings: list[str] = []
    document = _read_as(sniff(name, content, warnings), name, content, max_unpacked)
    return replace(document, warnings=(*warnings, *document.warnings))


def _read_as(found: str, name: str, content: bytes, max_unpacked: int) -> ReadDocument:
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
            raise UnreadableDocument(
                name, f"{found.upper()} documents cannot be read yet", hint="Convert it to PDF, DOCX or HTML first."
            )
        case _:
            from coursewright.documents.read.plain import read_plain

            return read_plain(name, content)


__all__ = ["EXTENSIONS", "read"]
