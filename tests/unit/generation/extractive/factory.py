"""Passages made by hand from small Markdown strings: one passage a heading."""

import hashlib
import re
from collections.abc import Iterator

from coursewright.course.ids import derive_id
from coursewright.documents.passages import Passage, ReadBlockKind, Span, Term, TermKind

_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
_MARKED = re.compile(r"\*\*(.+?)\*\*|<dfn>(.+?)</dfn>")


def passages(*documents: str, language: str = "en", **named: str) -> tuple[Passage, ...]:
    """Return the passages of Markdown documents (`**bold**` and `<dfn>` become terms); keywords name the documents."""
    texts = {**{f"{number}.md": text for number, text in enumerate(documents, 1)}, **named}
    found: list[Passage] = []
    for name, text in texts.items():
        for path, body in _parts(text):
            found.append(_passage(name, path, body, language, len(found)))
    return tuple(found)


def _parts(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    path: list[tuple[int, str]] = []
    body: list[str] = []
    for line in [*text.strip().splitlines(), "# "]:
        heading = _HEADING.match(line + " " if line == "# " else line)
        if not heading and line != "# ":
            body.append(line)
            continue
        if "\n".join(body).strip():
            yield tuple(title for _, title in path), "\n".join(body).strip("\n")
        body = []
        if heading:
            level = len(heading[1])
            path = [(depth, title) for depth, title in path if depth < level] + [(level, heading[2].strip())]


def _passage(document: str, path: tuple[str, ...], body: str, language: str, ordinal: int) -> Passage:
    body = "\n\n".join(
        block.replace("\n", " ") if _kind(block) == "paragraph" and not block.startswith("    ") else block
        for block in body.split("\n\n")
    )
    terms: list[Term] = []
    text, offset = "", 0
    for marked in _MARKED.finditer(body):
        text += body[offset : marked.start()]
        term = marked[1] or marked[2]
        terms.append(_term(term, "strong" if marked[1] else "dfn", len(text)))
        text, offset = text + term, marked.end()
    text += body[offset:]
    spans: list[Span] = []
    start = 0
    for block in text.split("\n\n"):
        if block.strip():
            code = block.startswith(("    ", "```"))
            spans.append(Span("code" if code else _kind(block), start, start + len(block), language))
        start += len(block) + 2
    return Passage(
        id=derive_id("p-", document, *path, text),
        document=document,
        title=path[0] if path else document,
        ordinal=ordinal,
        heading_path=path,
        start=0,
        end=len(text),
        text=text,
        language=language,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        spans=tuple(spans),
        terms=tuple(terms),
    )


def _term(text: str, kind: TermKind, start: int) -> Term:
    return Term(text, kind, start, start + len(text))


def _kind(block: str) -> ReadBlockKind:
    if block.lstrip().startswith("|"):
        return "table"
    return "list" if re.match(r"\s*(?:[-*]|\d+\.)\s", block) else "paragraph"
