"""Lists, tables and figures that a walk over HTML is inside of, and how their lines are put together."""

from dataclasses import dataclass, field

from coursewright.documents.read.inline import Mark, Piece


@dataclass
class OpenList:
    """A list and its current item."""

    ordered: bool = False
    number: int = 0
    marker: str | None = None  # to be written before the next text
    terms: list[Piece] = field(default_factory=list)  # dt without dd so far
    length: int = 0  # characters of the item so far


@dataclass
class OpenTable:
    """The rows of a table so far."""

    rows: list[list[str]] = field(default_factory=list)
    headers: list[list[bool]] = field(default_factory=list)
    down: dict[int, tuple[int, str]] = field(default_factory=dict)  # column: rows left to fill, text


@dataclass
class OpenFigure:
    """What is known of a figure so far."""

    caption: str = ""
    alts: list[str] = field(default_factory=list)
    mute: list[str] = field(default_factory=list)  # where the pictures lie that have no alternative text


def defined(indent: str, terms: list[Piece], meaning: Piece) -> Piece:
    """Return the line of a list of definitions: `- term, term: meaning`."""
    line, marks = f"{indent}- ", []
    start = len(line)
    names = []
    for index, term in enumerate(terms):
        text = term.text.replace("\n", " ").rstrip(":")
        line += (", " if index else "") + text
        names.append((len(line) - len(text), len(line)))
    line += ": " if len(line) > start else ""
    span = (len(line), len(line) + len(meaning.text))
    marks = [Mark("dt", begin, end, span) for begin, end in names if begin < end]
    marks += [mark.moved(len(line)) for mark in meaning.marks]
    return Piece(line + meaning.text, tuple(marks))


def appended(line: Piece, more: Piece) -> Piece:
    """Return the line with more text; the definition of its term grows with it."""
    marks = tuple(mark.moved(len(line.text) + 1) for mark in more.marks)
    whole = len(line.text) + 1 + len(more.text)
    grown = tuple(
        Mark(mark.kind, mark.start, mark.end, (mark.definition[0], whole))
        if mark.kind == "dt" and mark.definition
        else mark
        for mark in line.marks
    )
    return Piece(f"{line.text} {more.text}", grown + marks)


def fill_down(table: OpenTable) -> None:
    """Repeat in the row what a cell above spans down to, so that every row reads by itself."""
    row = table.rows[-1] if table.rows else []
    while (held := table.down.get(len(row))) is not None:
        left, text = held
        if left > 1:
            table.down[len(row)] = (left - 1, text)
        else:
            del table.down[len(row)]
        row.append(text)
        table.headers[-1].append(False)


__all__ = ["OpenFigure", "OpenList", "OpenTable", "appended", "defined", "fill_down"]
