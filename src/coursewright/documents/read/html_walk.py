"""Walks an HTML tree and adds its blocks to a document. HTML, DOCX and Markdown all come through here.

The walk is a loop, not a recursion: a page of 20,000 nested elements is an ordinary page.
"""

from collections.abc import Callable

from selectolax.lexbor import LexborNode

from coursewright.documents.passages import TermKind
from coursewright.documents.read import html_rules as rules
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.html_open import OpenFigure, OpenList, OpenTable, appended, defined, fill_down
from coursewright.documents.read.inline import Inline, Mark, Piece, fold, join_lines
from coursewright.documents.read.tables import table_parts

_Leave = Callable[[], None]
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_TERMS: dict[str, TermKind] = {"dfn": "dfn", "strong": "strong", "b": "strong", "em": "emphasis", "i": "emphasis"}
_TERM_CLASSES = {"firstterm", "glossterm"}
_LONGEST_ITEM = 600  # characters; what follows in the same item becomes a paragraph of its own
_LONGEST_TERM = 80
_SUPERSCRIPTS = str.maketrans("0123456789+-()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-()", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎")
_MOST_SPANNED = 50  # cells that one colspan or rowspan may fill


def _nothing() -> None:
    return None


class HtmlWalk:
    """One walk over one tree."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._inline = Inline()
        self._lists: list[OpenList] = []
        self._lines: list[Piece] = []  # of the list that is being written
        self._tables: list[OpenTable] = []
        self._figures: list[OpenFigure] = []
        self._notes: list[int] = []  # of each open note, how many lists were open where it began
        self._note_title = ""
        self._pre: list[str] | None = None
        self._languages: list[str] = []
        self._alts: list[str] = []  # of images inside running text

    def run(self, root: LexborNode) -> None:
        """Walk the tree under `root`, in document order."""
        leaves: list[_Leave] = []
        node = root
        while True:
            leave = self._enter(node)
            child = node.first_child if leave is not None and node.is_element_node else None
            if leave is not None:
                leaves.append(leave)
            if child is not None:
                node = child
                continue
            if leave is not None:
                leaves.pop()()
            while leaves and node.next is None:
                parent = node.parent
                if parent is None:
                    break
                node = parent
                leaves.pop()()
            if not leaves or node.next is None:
                break
            node = node.next
        self._flush()
        self._end_list()

    def _enter(self, node: LexborNode) -> _Leave | None:
        """Begin a node; return what ends it, or None when it is to be skipped with all that it holds."""
        if node.is_text_node:
            self._text(node.text_content or "")
            return None
        if not node.is_element_node:
            return None
        tag = node.tag or ""
        if tag in rules.SKIPPED or rules.is_furniture(node) or rules.is_line_numbers(node):
            return None
        leave = self._enter_element(node, tag)
        language = node.attributes.get("lang") or node.attributes.get("xml:lang")
        if leave is None or not language or tag in ("html", "body"):
            return leave
        self._languages.append(language)

        def leave_language() -> None:
            leave()
            self._languages.pop()

        return leave_language

    def _enter_element(self, node: LexborNode, tag: str) -> _Leave | None:
        if self._pre is not None:
            if tag == "br":
                self._pre.append("\n")
            return _nothing
        if tag in _HEADINGS:
            return self._enter_heading(_HEADINGS[tag])
        if tag in ("ul", "ol", "dl", "menu"):
            return self._enter_list(node, tag)
        if tag in ("li", "dt", "dd"):
            return self._enter_item(tag)
        if tag == "pre" or (tag == "div" and "highlight" in rules.classes(node) and node.css_first("pre") is None):
            return self._enter_pre()
        if tag in ("table", "tr", "td", "th", "caption"):
            return self._enter_table_part(node, tag)
        if tag == "figure" or (tag == "div" and rules.classes(node) & {"figure", "informalfigure", "mediaobject"}):
            return self._enter_figure()
        if tag in ("figcaption", "caption") or (tag == "p" and rules.classes(node) & {"title", "admonition-title"}):
            return self._enter_caption()
        if rules.is_note(node):
            return self._enter_note()
        if tag in rules.BLOCKS:
            self._block_border()
            return self._block_border
        return self._enter_inline(node, tag)

    # inline

    def _text(self, text: str) -> None:
        if self._pre is not None:
            self._pre.append(text)
        else:
            self._inline.write(text)

    def _enter_inline(self, node: LexborNode, tag: str) -> _Leave | None:
        if tag == "br":
            if self._tables or self._lists:
                self._inline.write(" ")
            else:
                self._inline.line_break()
            return None
        if tag in rules.PICTURES:
            self._picture(node)
            return None
        if tag == "math":
            self._inline.write(node.attributes.get("alttext") or node.text(deep=True))
            return None
        if tag in ("sup", "sub"):
            raw = fold(node.text(deep=True))
            if not raw.startswith("["):  # "[1]" only points at a footnote
                raised = raw.translate(_SUPERSCRIPTS if tag == "sup" else _SUBSCRIPTS)
                self._inline.write(raised if len(raw) <= 4 else f" {raw}")
            return None
        if tag == "q":
            self._inline.write("“")
            return lambda: self._inline.write("”")
        if rules.is_code(node):
            self._inline.open_code()
            return self._inline.close_code
        kind: TermKind | None = "dfn" if rules.classes(node) & _TERM_CLASSES else _TERMS.get(tag)
        if kind is not None:
            self._inline.open(kind)
            return self._inline.close
        return _nothing

    def _picture(self, node: LexborNode) -> None:
        alt = fold(rules.alternative_text(node))
        name = node.attributes.get("src") or node.attributes.get("data") or ""
        decorative = rules.is_decorative(node)
        if decorative and (not alt or node.tag != "img"):
            return
        if self._figures:
            self._figures[-1].alts += [alt] if alt else []
            self._figures[-1].mute += [] if alt else [name]
        elif " " in alt and not self._tables:
            self._alts.append(alt)
        elif decorative or (alt and " " not in alt and (self._tables or self._notes or rules.is_amid_text(node))):
            return  # one word is an icon, not a figure
        else:
            self._builder.lose_picture(name)

    # blocks

    def _block_border(self) -> None:
        if self._tables:
            self._inline.write(" ")
        else:
            self._flush()

    def _flush(self) -> None:
        """Turn the running text into a paragraph, a note or a part of a list item."""
        piece = self._inline.take()
        if piece.text:
            piece = Piece(piece.text, _short_terms(piece))
            if self._in_note:
                self._add_note(piece)
            elif self._lists:
                self._add_to_item(piece)
            else:
                self._builder.add("paragraph", piece.text, piece.marks, language=self._language)
        for alt in self._alts:
            if not self._lists:
                self._builder.add("figure", alt, language=self._language)
        if not self._lists:
            self._alts.clear()

    @property
    def _language(self) -> str:
        return self._languages[-1] if self._languages else ""

    @property
    def _in_note(self) -> bool:
        """Tell whether a note is open and no list inside it."""
        return bool(self._notes) and len(self._lists) == self._notes[-1]

    def _add_note(self, piece: Piece) -> None:
        if self._note_title:
            piece = join_lines([Piece(self._note_title), piece])
            self._note_title = ""
        self._builder.add("note", piece.text, piece.marks, language=self._language)

    def _enter_heading(self, level: int) -> _Leave:
        self._block_border()
        if self._tables:
            return self._block_border
        if not self._lists:
            self._end_list()

        def leave() -> None:
            text = self._inline.take().text
            if self._notes:
                self._note_title = text
            elif self._lists:
                self._add_to_item(Piece(text))
            elif text:
                self._builder.heading(text, level, language=self._language)

        return leave

    def _enter_note(self) -> _Leave:
        self._block_border()
        if self._tables:
            return self._block_border
        if self._lists:  # what a list item holds is a block of its own
            self._write_open_terms(self._lists[-1])
            self._end_list()
        self._notes.append(len(self._lists))

        def leave() -> None:
            self._flush()
            if self._note_title:
                self._builder.add("note", self._note_title, language=self._language)
                self._note_title = ""
            self._notes.pop()

        return leave

    def _enter_pre(self) -> _Leave:
        if self._tables:
            self._inline.open_code()
            return self._inline.close_code
        self._flush()
        self._end_list()
        self._pre = []

        def leave() -> None:
            code, self._pre = "".join(self._pre or []), None
            self._builder.add("code", code)

        return leave

    # figures

    def _enter_figure(self) -> _Leave:
        self._block_border()
        if self._tables:
            return self._block_border
        if self._figures:  # DocBook wraps a media object in a figure
            return _nothing
        figure = OpenFigure()
        self._figures.append(figure)

        def leave() -> None:
            self._flush()
            self._figures.pop()
            alt = next(iter(figure.alts), "")
            text = figure.caption or alt
            if figure.caption and alt and alt.lower() not in figure.caption.lower():
                text = f"{figure.caption} ({alt})"
            if text and (figure.alts or figure.caption):
                self._end_list()
                self._builder.add("figure", text, language=self._language)
            else:
                for name in figure.mute:
                    self._builder.lose_picture(name)

        return leave

    def _enter_caption(self) -> _Leave:
        self._block_border()
        if self._tables:
            return self._block_border

        def leave() -> None:
            if self._figures:
                self._figures[-1].caption = self._inline.take().text
            elif self._in_note and not self._note_title:
                self._note_title = self._inline.take().text
            else:
                self._flush()

        return leave

    # lists

    def _enter_list(self, node: LexborNode, tag: str) -> _Leave:
        self._block_border()
        if self._tables:
            return self._block_border
        start = node.attributes.get("start") or "1"
        number = int(start) - 1 if start.lstrip("-").isdecimal() and len(start) < 9 else 0
        self._lists.append(OpenList(ordered=tag == "ol", number=number))

        def leave() -> None:
            self._flush()
            self._write_open_terms(self._lists[-1])
            self._lists.pop()
            if not self._lists:
                self._end_list()

        return leave

    def _enter_item(self, tag: str) -> _Leave:
        self._block_border()
        if self._tables or not self._lists:
            return self._block_border
        current = self._lists[-1]
        if tag == "dt":
            if current.length:
                self._write_open_terms(current)
                current.length = 0

            def leave_term() -> None:
                piece = self._inline.take()
                if piece.text:
                    current.terms.append(piece)

            return leave_term
        current.length = 0
        if tag == "li":
            current.number += 1
            current.marker = f"{current.number}. " if current.ordered else "- "

        def leave() -> None:
            self._flush()
            current.marker = None
            if tag == "dd":
                self._write_open_terms(current)

        return leave

    def _add_to_item(self, piece: Piece) -> None:
        current = self._lists[-1]
        one_line = Piece(piece.text.replace("\n", " "), piece.marks)
        indent = "  " * (len(self._lists) - 1)
        if current.terms:
            self._lines.append(defined(indent, current.terms, one_line))
            current.terms = []
        elif current.marker is not None:
            marker = indent + current.marker
            marks = tuple(mark.moved(len(marker)) for mark in one_line.marks)
            self._lines.append(Piece(marker + one_line.text, marks))
            current.marker = None
        elif self._lines and current.length and current.length + len(piece.text) <= _LONGEST_ITEM:
            self._lines[-1] = appended(self._lines[-1], one_line)
        else:
            self._end_list()
            self._builder.add("note" if self._notes else "paragraph", piece.text, piece.marks, language=self._language)
        current.length += len(piece.text)

    def _write_open_terms(self, current: OpenList) -> None:
        indent = "  " * (len(self._lists) - 1)
        self._lines += [Piece(f"{indent}- {term.text}") for term in current.terms]
        current.terms = []

    def _end_list(self) -> None:
        """Write the list so far: it is over, or a block that no list item can hold interrupts it."""
        if self._lines:
            whole = join_lines(self._lines)
            if self._note_title and self._notes:
                self._builder.add("note", self._note_title, language=self._language)
                self._note_title = ""
            self._builder.add("list", whole.text, whole.marks, language=self._language)
            self._lines = []

    # tables

    def _enter_table_part(self, node: LexborNode, tag: str) -> _Leave | None:
        if tag == "table":
            return self._enter_table(node)
        if not self._tables:  # a table that only arranges the page
            self._flush()
            return self._enter_caption() if tag == "caption" else self._block_border
        table = self._tables[-1]
        if tag == "tr":
            table.rows.append([])
            table.headers.append([])
            return lambda: fill_down(table)
        self._inline.take()
        if tag == "caption":
            return lambda: self._builder.add("paragraph", self._inline.take().text, language=self._language)

        def leave() -> None:
            text = self._inline.take().text
            if not table.rows:
                table.rows.append([])
                table.headers.append([])
            fill_down(table)
            row = table.rows[-1]
            down, across = _count(node, "rowspan"), _count(node, "colspan")
            for column in range(len(row), len(row) + across):
                if down > 1:
                    table.down[column] = (down - 1, text)
                row.append(text if column == len(row) else "")
                table.headers[-1].append(tag == "th")

        return leave

    def _enter_table(self, node: LexborNode) -> _Leave:
        self._block_border()
        if self._tables or rules.is_layout(node):
            return self._block_border
        self._end_list()
        table = OpenTable()
        self._tables.append(table)

        def leave() -> None:
            self._inline.take()
            self._tables.pop()
            rows = [row for row in table.rows if any(row)]
            if not rows:
                return
            heads = next((head for row, head in zip(table.rows, table.headers, strict=True) if any(row)), [])
            if heads and heads[0] and not all(heads):  # row headings only: the header is empty
                rows.insert(0, [""] * len(rows[0]))
            for part in table_parts(rows):
                self._builder.add("table", part, language=self._language)

        return leave


def _short_terms(piece: Piece) -> tuple[Mark, ...]:
    """Leave out bold and italic that is emphasis of a whole clause rather than a term."""
    return tuple(
        mark
        for mark in piece.marks
        if mark.kind == "dfn" or (mark.end - mark.start <= _LONGEST_TERM and mark.end - mark.start < len(piece.text))
    )


def _count(node: LexborNode, name: str) -> int:
    value = node.attributes.get(name) or "1"
    return min(max(int(value), 1), _MOST_SPANNED) if value.isdecimal() and len(value) < 9 else 1


__all__ = ["HtmlWalk"]
