"""A document as it was read, and the passages it is cut into.

The extracted text of a document is plain text: headings, paragraphs, lists, tables and code separated by blank lines,
with `inline code` between backticks, list items as `- ` or `1. `, tables as pipe tables. Everything else (bold, links)
is dropped, but what bold, dfn, dt and glossary markup says about terms is kept as `Term`s. All offsets count characters
(Unicode code points).
"""

from dataclasses import dataclass, field
from typing import Literal

ReadBlockKind = Literal["heading", "paragraph", "list", "table", "code", "figure", "note"]
TermKind = Literal["dfn", "dt", "strong", "emphasis", "glossary", "index", "acronym"]


@dataclass(frozen=True, slots=True)
class Span:
    """One block of a text: `text[start:end]` is it, verbatim."""

    kind: ReadBlockKind
    start: int
    end: int
    language: str = ""
    level: int = 0  # of a heading: 1-6
    page: int | None = None  # counts from 1
    time_code: str | None = None  # hh:mm:ss


@dataclass(frozen=True, slots=True)
class Term:
    """A term that the markup of the source marks as one; `definition` is the offsets of what explains it, if marked."""

    text: str
    kind: TermKind
    start: int
    end: int
    definition: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What a reader returns: the whole text, its blocks in order, and what is known about the document."""

    title: str
    text: str
    spans: tuple[Span, ...]
    terms: tuple[Term, ...] = ()
    language: str = ""  # ISO 639-1; "" when it cannot be told
    licence: str = ""
    attribution: str = ""
    pages: int | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A verbatim span of a document: everything under one heading, or a part of it. Never crosses a heading.

    `spans` and `terms` count from the passage's own start; `text` is `document.text[start:end]`. The id is derived from
    document name, heading path, text and occurrence, so it survives changes elsewhere in the document.
    """

    id: str
    document: str  # the name of the document in its knowledge base: a relative path
    title: str  # of the document
    ordinal: int  # place in the knowledge base: documents by name, then passages in order
    heading_path: tuple[str, ...]
    start: int
    end: int
    text: str
    language: str
    sha256: str
    page: int | None = None
    time_code: str | None = None
    licence: str = ""
    attribution: str = ""
    spans: tuple[Span, ...] = field(default=())
    terms: tuple[Term, ...] = field(default=())

    @property
    def words(self) -> int:
        """Count words: runs of non-space; for Japanese, Chinese and Thai two characters are a word."""
        if self.language in {"ja", "zh", "th"}:
            return sum(1 for char in self.text if not char.isspace()) // 2
        return len(self.text.split())


__all__ = ["Passage", "ReadBlockKind", "ReadDocument", "Span", "Term", "TermKind"]
