"""Terms that a glossary explains: list items, paragraphs and tables of the form "term: meaning"."""

import re
from collections.abc import Iterator, Sequence

from coursewright.documents.passages import Span, Term

_GLOSSARY = re.compile(
    r"\b(glossary|glossar|glossaire|glosario|glossario|terminology|key terms|definitions|vocabulary|abbreviations|"
    r"begriffe|terminologie|définitions|definiciones|términos)\b|用語|術語|مصطلحات",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"(?:- )?(?P<term>[^\n:–—]{2,60}?)\s*(?:: | – | — | - )(?P<meaning>\S[^\n]{10,})")
_TERM_COLUMN = re.compile(r"term|word|concept|abbreviation|acronym|begriff|terme|término|用語|المصطلح", re.IGNORECASE)
_MEANING_COLUMN = re.compile(
    r"meaning|definition|description|explanation|bedeutung|erklärung|définition|signification|significado|definición|"
    r"意味|説明|التعريف",
    re.IGNORECASE,
)
_CELL = re.compile(r"(?<=\|) ((?:\\.|[^|\\])*?) (?=\|)")


def glossary_terms(text: str, spans: Sequence[Span]) -> Iterator[Term]:
    """Yield the terms of glossary sections and of tables headed "Term | Meaning" (or as much in de, fr, es, ja, ar)."""
    level = 0  # of the glossary heading that we are under; 0: none
    for span in spans:
        block = text[span.start : span.end]
        if span.kind == "heading":
            if not level or span.level <= level:
                level = span.level if _GLOSSARY.search(block) else 0
        elif span.kind == "table":
            yield from _table_terms(block, span.start)
        elif level and span.kind in ("list", "paragraph"):
            offset = span.start
            for line in block.split("\n"):
                if entry := _ENTRY.match(line):
                    yield _term(entry["term"], offset + entry.start("term"), (entry.span("meaning"), offset))
                offset += len(line) + 1


def _table_terms(block: str, start: int) -> Iterator[Term]:
    lines = block.split("\n")
    header = [cell[1] for cell in _CELL.finditer(lines[0])]
    if len(header) < 2 or not _TERM_COLUMN.search(header[0]) or not _MEANING_COLUMN.search(header[1]):
        return
    offset = start + len(lines[0]) + 1 + len(lines[1]) + 1 if len(lines) > 1 else start
    for line in lines[2:]:
        cells = list(_CELL.finditer(line))
        if len(cells) >= 2 and cells[0][1] and cells[1][1]:
            yield _term(cells[0][1], offset + cells[0].start(1), (cells[1].span(1), offset))
        offset += len(line) + 1


def _term(text: str, start: int, meaning: tuple[tuple[int, int], int]) -> Term:
    (begin, end), offset = meaning
    return Term(text.strip("`"), "glossary", start, start + len(text), (begin + offset, end + offset))


__all__ = ["glossary_terms"]
