"""Table look-ups: which entry of a column belongs to which row."""

import re
from collections.abc import Iterator, Sequence

from coursewright.generation.authors.extractive.blocks import SourceBlock
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.material import path_of
from coursewright.generation.authors.extractive.questions.draft import Draft
from coursewright.generation.authors.extractive.tables import Cell, rows_of
from coursewright.generation.authors.extractive.titles import telling
from coursewright.generation.authors.extractive.words import content_stems

_MOST_PER_TABLE = 2
_MOST_COLUMNS, _FEWEST_ROWS = 6, 3
_LABEL_WORDS, _CELL_WORDS, _CELL_LETTERS = 6, 12, 90
_DISTRACTORS = 3
_LENGTH_TELL = 1.35
_NUMERIC = re.compile(r"\d")
_UNIT = re.compile(r"[(（,]")
_BARE_LETTERS = 3


def lookups(shown: Sequence[SourceBlock], section: str, words: Catalogue) -> Iterator[Draft]:
    """Yield a few look-ups a table; cells with figures are asked for in writing, never among figures."""
    for block in shown:
        title = telling(path_of(block.passage), words)
        if block.kind != "table" or not title:
            continue
        rows = rows_of(block.text)
        if len(rows) <= _FEWEST_ROWS or not 2 <= len(rows[0]) <= _MOST_COLUMNS:
            continue
        body = [row for row in rows[1:] if len(row) == len(rows[0])]
        labels = [row[0][0].casefold() for row in body]
        made = 0
        for number, row in enumerate(body):
            # One look-up a column, so that no two of a table sound alike.
            column = 1 + made
            if made == min(_MOST_PER_TABLE, len(rows[0]) - 1):
                break
            if not rows[0][column][0] or labels.count(labels[number]) > 1:
                continue
            draft = _look_up(block, rows[0], row, column, body, section, words)
            if draft:
                made += 1
                yield draft


def _look_up(
    block: SourceBlock,
    heads: list[Cell],
    row: list[Cell],
    column: int,
    body: list[list[Cell]],
    section: str,
    words: Catalogue,
) -> Draft | None:
    title = telling(path_of(block.passage), words)
    label, value, header = row[0][0], row[column][0], heads[column][0]
    if not _is_label(label) or not _is_cell(value) or len(header.split()) > _LABEL_WORDS:
        return None
    if set(content_stems(label, words.language)) & set(content_stems(value, words.language)):
        return None  # the row would name its own answer
    line = block.text[row[0][1] : row[-1][2]]
    label = label.strip("`")
    if _NUMERIC.match(label) and heads[0][0]:
        label = f"{heads[0][0]} {label}"  # "1 to 3" says nothing without "Age in days"
    if not any(char.isalpha() for char in value) and not _UNIT.search(header):
        return None  # a bare figure without a unit
    if any(0 < len(bare := other[column][0].strip("`")) <= _BARE_LETTERS and bare.isalpha() for other in body):
        return None  # a column of yes and no, or of flags
    numeric = bool(_NUMERIC.search(value))
    others = list(dict.fromkeys(other[column][0] for other in body if other is not row and _is_cell(other[column][0])))
    says = set(content_stems(value, words.language))
    others = [
        text
        for text in others
        if text.casefold() != value.casefold()
        and not _NUMERIC.search(text)
        and not says & set(content_stems(text, words.language))  # "pollen" would be half right for "nectar and pollen"
    ]
    others.sort(key=lambda text: abs(len(text) - len(value)))
    others = others[:_DISTRACTORS]
    choice = (
        not numeric
        and len(others) >= 2
        and any(len(text) >= len(value) for text in others)
        and len(value) * len(others) < _LENGTH_TELL * sum(map(len, others))
    )
    if not choice and (len(value.split()) > 3 or "," in value or header.casefold() in words.generic_headers):
        return None  # too long to be written word for word
    return Draft(
        kind="multiple_choice" if choice else "short_answer",
        form="lookup",
        subjects=(f"{title}: {label}".casefold(),),
        section=section,
        stem=words.say("stems", "lookup", column=header.strip("`"), row=label, table=title),
        objective=words.say("objectives", "lookup", title=title),
        explanation=_said(heads, row, words),
        citations=((block.passage.id, line),),
        options=((value, True), *((text, False) for text in others)) if choice else (),
        answers=() if choice else tuple(dict.fromkeys((value.replace("`", ""), value))),
    )


def _said(heads: list[Cell], row: list[Cell], words: Catalogue) -> str:
    """Return a row as running text: "heading: cell, heading: cell"."""
    pairs = [
        words.say("outline", "cell", heading=head, cell=cell) if head else cell
        for (head, _, _), (cell, _, _) in zip(heads, row, strict=True)
        if cell
    ]
    separator = words.texts["outline"]["list_separator"]
    commas = any(separator.strip() in text for text, _, _ in (*heads, *row))
    return words.series(pairs) if commas else separator.join(pairs)


def _is_label(text: str) -> bool:
    return bool(text) and len(text.split()) <= _LABEL_WORDS and any(char.isalpha() for char in text)


def _is_cell(text: str) -> bool:
    return any(char.isalnum() for char in text) and len(text.split()) <= _CELL_WORDS and len(text) <= _CELL_LETTERS


__all__ = ["lookups"]
