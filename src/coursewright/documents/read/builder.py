"""Puts blocks together to a `ReadDocument`: the one place that counts offsets and settles languages."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from coursewright.documents.passages import ReadBlockKind, ReadDocument, Span, Term
from coursewright.documents.read.glossary import glossary_terms
from coursewright.documents.read.inline import Mark, clean, fold, unseen
from coursewright.documents.read.languages import detect, most_common, primary
from coursewright.documents.read.licences import short_licence
from coursewright.errors import UnreadableDocument

_SEPARATOR = "\n\n"
_PLACE = re.compile(r"^\d{1,2}[-_.]+(?=[^\W\d])")  # of a file among others: the number sorts it
_LONGEST_HEADING = 500  # characters


class DocumentBuilder:
    """Collects the blocks of one document, in reading order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = ""
        self.language = ""  # what the document says of itself
        self.licence = ""
        self.attribution = ""
        self.pages: int | None = None
        self.page: int | None = None  # of the blocks that are added next
        self.time_code: str | None = None
        self.warnings: list[str] = []
        self.pictures = 0  # that cannot travel: nothing says in words what they show
        self._unseen: set[str] = set()
        self._parts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._terms: list[Term] = []

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def has_text(self) -> bool:
        """Tell whether there is more than headings."""
        return any(span.kind != "heading" for span in self._spans)

    @property
    def figures(self) -> Counter[int]:
        """Count the figures of each page."""
        return Counter(span.page for span in self._spans if span.kind == "figure" and span.page)

    def heading(self, text: str, level: int, *, language: str = "") -> None:
        """Add a heading of level 1-6; what is longer than any heading is text that was marked as one."""
        text = fold(text)
        if len(text) > _LONGEST_HEADING:
            self.add("paragraph", text, language=language)
        else:
            self.add("heading", text, level=min(max(level, 1), 6), language=language)

    def add(
        self,
        kind: ReadBlockKind,
        text: str,
        marks: Iterable[Mark] = (),
        *,
        level: int = 0,
        language: str = "",
        page: int | None = None,
    ) -> None:
        """Add a block; an empty one adds nothing. `marks` count from the start of `text`."""
        if kind == "code":
            text = "\n".join(line.rstrip() for line in clean(text.expandtabs(8)).split("\n")).strip("\n")
        if unseen(text):  # PostgreSQL stores no NUL, and no encoding a lone surrogate
            text, marks = clean(text), ()
        if not text.strip():
            return
        start = self._length + len(_SEPARATOR) if self._parts else 0
        end = start + len(text)
        self._parts.append(text)
        self._length = end
        page = page or self.page
        self._spans.append(Span(kind, start, end, primary(language), level=level, page=page, time_code=self.time_code))
        for mark in marks:
            term = text[mark.start : mark.end].strip("`")
            definition = mark.definition and (mark.definition[0] + start, mark.definition[1] + start)
            if term.strip():
                self._terms.append(Term(term, mark.kind, mark.start + start, mark.end + start, definition))

    def lose_picture(self, name: str = "") -> None:
        """Count a picture that nothing describes; one that has a name counts once, however often it is shown."""
        if not name or name not in self._unseen:
            self._unseen.add(name)
            self.pictures += 1

    def build(self) -> ReadDocument:
        """Return the document. Raises `UnreadableDocument` when there is no text."""
        text = _SEPARATOR.join(self._parts)
        if not any(map(str.isalnum, text)):
            raise UnreadableDocument(
                self.name, "there is no text in it", hint="Leave it out, or give its text as .txt."
            )
        if not self.has_text:
            self.warnings.append("there are only headings in it")
        if self.pictures:
            one = self.pictures == 1
            shown = "1 picture was" if one else f"{self.pictures:,} pictures were"
            self.warnings.append(f"{shown} left out: no alternative text describes {'it' if one else 'them'}")
        detected = [
            span.language or ("" if span.kind in ("code", "heading") else detect(text[span.start : span.end]))
            for span in self._spans
        ]
        weights = [(language, span.end - span.start) for language, span in zip(detected, self._spans, strict=True)]
        language = most_common(weights) or self.language or detect(text[:3000])
        spans = tuple(
            Span(
                span.kind,
                span.start,
                span.end,
                found or ("" if span.kind == "code" else language),
                span.level,
                span.page,
                span.time_code,
            )
            for span, found in zip(self._spans, detected, strict=True)
        )
        terms = sorted([*self._terms, *glossary_terms(text, spans)], key=lambda term: (term.start, term.end))
        first = next((text[s.start : s.end] for s in spans if s.kind == "heading"), "")
        return ReadDocument(
            title=_shortened(fold(self.title)) or fold(first).replace("`", "") or title_from_name(self.name),
            text=text,
            spans=spans,
            terms=tuple(terms),
            language=language,
            licence=short_licence(self.licence),
            attribution=_shortened(fold(self.attribution)),
            pages=self.pages,
            warnings=tuple(self.warnings),
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_HEADING else f"{text[: _LONGEST_HEADING - 1].rstrip()}…"


def title_from_name(name: str) -> str:
    """Return a title for a document that has none: `03-user_guide-v2.pdf` is "User guide v2"."""
    stem = _PLACE.sub("", PurePosixPath(name).stem)
    title = fold(stem.replace("_", " ").replace("-", " ")) or name
    return title[0].upper() + title[1:]


__all__ = ["DocumentBuilder", "title_from_name"]
