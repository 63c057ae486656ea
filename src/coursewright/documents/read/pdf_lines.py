"""Lines of a PDF page with their fonts and places, as PDFium gives them.

Per-character calls into the library would take minutes for 2,000 pages; the font is asked once or twice a word, and the
answer is remembered for each text object.
"""

import ctypes
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from coursewright.documents.read.inline import clean

SOFT_HYPHEN = "\xad"  # in a word: the typesetter's hyphen, or the author's; the line ended here

_WORD = re.compile(r"\S+")
_LIGATURES = {ord("ﬀ"): "ff", ord("ﬁ"): "fi", ord("ﬂ"): "fl", ord("ﬃ"): "ffi", ord("ﬄ"): "ffl", 0xA0: " "}
_HYPHENS = re.compile("[\x02\xad\ufffe]")  # PDFium marks a hyphen at a line end so, and joins the word
_MONO = re.compile(r"mono|courier|typewriter|cmtt|sftt|ectt|consol|menlo|inconsolata|lmtt|fixed", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|semibold|-bd|cmbx|sfbx|ecbx|demi", re.IGNORECASE)
_SPACE = 1.3  # character widths from one character to the next: more is a space between them
_OPENERS = "([{<‘“„«\"'”`"
_SUPERSCRIPTS = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")


@dataclass(frozen=True, slots=True)
class Word:
    """Text between white space, or a part of it in one font; `column` is how many characters precede it in its line."""

    text: str
    mono: bool
    bold: bool
    column: int
    glued: bool = False  # to the word before it


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page; distances in points from the left and from the top of the page, `page` counts from 0."""

    words: tuple[Word, ...]
    page: int
    left: float
    right: float
    top: float
    bottom: float
    size: float
    cells: tuple[tuple["Line", ...], ...] = ()  # of a row of a table: the lines of each
    head: bool = False  # the row names the columns

    text: str = field(init=False)  # the words with single spaces
    mono: bool = field(init=False)  # it may be a line of a listing
    bold: bool = field(init=False)  # all of it is bold

    def __post_init__(self) -> None:
        text = "".join([word.text if word.glued else f" {word.text}" for word in self.words])
        object.__setattr__(self, "text", text.replace(SOFT_HYPHEN, "").lstrip())  # asked for again and again
        object.__setattr__(self, "mono", all(word.mono for word in self.words))
        object.__setattr__(self, "bold", all(word.bold for word in self.words))


@dataclass(frozen=True, slots=True)
class Printed:
    """A line as PDFium gives it, with its text from character `position` of the page on."""

    line: Line
    text: str
    position: int


def printed_lines(fonts: "Fonts", page: int, height: float) -> list[Printed]:
    """Return the lines of a page in PDFium's order."""
    textpage, raw = fonts.textpage, fonts.raw
    lines: list[Printed] = []
    position = 0
    for text in _text(textpage, raw).split("\n"):
        if text.strip() and (line := _line(textpage, raw, text, position, page, height, fonts)):
            lines.append(Printed(line, text, position))
        position += len(text) + 1
    return lines


def joined(printed: Iterable[Line]) -> list[Line]:
    """Return the lines with raised and lowered characters in the line that they stand in."""
    lines: list[Line] = []
    for line in printed:
        if lines and not line.cells and not lines[-1].cells and _stands_in(lines[-1], line):
            lines[-1] = _merged(lines[-1], line)
        else:
            lines.append(line)
    return lines


def placed_words(
    printed: Printed, fonts: "Fonts", borders: Sequence[float] = ()
) -> Iterator[tuple[Word, float, float]]:
    """Yield the words of a line with their left and right edges; parts of a word have those of the whole.

    A word that crosses one of the `borders` is two, of cells that stand close together.
    """
    first, last = fonts.raw.FS_RECTF(), fonts.raw.FS_RECTF()
    for found in _WORD.finditer(printed.text):
        start, end = found.span()
        fonts.raw.FPDFText_GetLooseCharBox(fonts.textpage, printed.position + start, first)
        fonts.raw.FPDFText_GetLooseCharBox(fonts.textpage, printed.position + end - 1, last)
        left, right = first.left, last.right
        glued = False
        for border in borders:
            if not left + 1 < border < right - 1:
                continue
            for cut in range(start + 1, end):
                fonts.raw.FPDFText_GetLooseCharBox(fonts.textpage, printed.position + cut, first)
                if first.left > border - 1:
                    yield from _parts(printed, fonts, start, cut, left, border, glued=glued)
                    start, left, glued = cut, first.left, True
                    break
        yield from _parts(printed, fonts, start, end, left, right, glued=glued)


def _parts(
    printed: Printed, fonts: "Fonts", start: int, end: int, left: float, right: float, *, glued: bool
) -> Iterator[tuple[Word, float, float]]:
    for word in fonts.words(printed.text[start:end], printed.position, start):
        yield (replace(word, glued=True) if glued else word), left, right
        glued = False


def _text(textpage: Any, raw: Any) -> str:
    """Return exactly one character a character index, with line ends as spaces plus newline."""
    count = textpage.count_chars()
    text = textpage.get_text_range() if count > 0 else ""
    if len(text) != count:  # characters beyond the basic plane or without a mapping: ask one by one
        text = "".join(chr(raw.FPDFText_GetUnicode(textpage, i) & 0x1FFFFF) for i in range(count))
    return str(text).replace("\r", " ")


def _line(textpage: Any, raw: Any, text: str, position: int, page: int, height: float, fonts: "Fonts") -> Line | None:
    words = [word for found in _WORD.finditer(text) for word in fonts.words(found[0], position, found.start())]
    if not words:
        return None
    first, last = raw.FS_RECTF(), raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(textpage, position + len(text) - len(text.lstrip()), first)
    raw.FPDFText_GetLooseCharBox(textpage, position + len(text.rstrip()) - 1, last)
    left, top, bottom = first.left, height - first.top, height - first.bottom
    size, last_size = bottom - top, last.top - last.bottom
    if last_size > 1.05 * size:  # a bullet or code in front of the text has a lower box than the text
        middle = (top + bottom) / 2
        size, top, bottom = last_size, middle - last_size / 2, middle + last_size / 2
    bottom = max(bottom, height - last.bottom)  # a hyphenated word may join two printed lines
    if len(words) > 1 and all(word.mono for word in words):
        words = _in_columns(textpage, raw, text, position, words)
    return Line(tuple(words), page, left, last.right, top, bottom, round(size, 1))


def _in_columns(textpage: Any, raw: Any, text: str, position: int, words: list[Word]) -> list[Word]:
    """Return the words of a listing anew when PDFium saw spaces where characters are set a little wider apart."""
    spaces = [index for index, char in enumerate(text.rstrip()) if char == " "]
    if not any(raw.FPDFText_IsGenerated(textpage, position + index) == 1 for index in spaces):
        return words
    x, y = ctypes.c_double(), ctypes.c_double()
    places: list[tuple[float, str]] = []
    steps: list[float] = []  # from one character of a word to the next
    for index, char in enumerate(text):
        if not char.isspace():
            raw.FPDFText_GetCharOrigin(textpage, position + index, x, y)
            if places and not text[index - 1].isspace():
                steps.append(x.value - places[-1][0])
            places.append((x.value, char))
    width = sorted(steps)[len(steps) // 2] if steps else 0.0
    if width <= 0:
        return words
    line = places[0][1]
    for (before, _), (place, char) in pairwise(places):
        apart = (place - before) / width
        line += (" " * max(1, round(apart) - 1) if apart > _SPACE else "") + char
    line = clean(_HYPHENS.sub("-", line))
    return [replace(words[0], text=found[0], column=found.start()) for found in _WORD.finditer(line)]


def _stands_in(before: Line, line: Line) -> bool:
    apart = line.left - before.right
    return -1.5 <= apart < 0.6 * before.size and line.top < before.bottom - 0.3 * min(before.size, line.size)


def _merged(before: Line, line: Line) -> Line:
    words = list(line.words)
    glued = line.left - before.right < 0.15 * before.size
    text = words[0].text
    if line.size < 0.8 * before.size and len(words) == 1 and len(text) <= 3:
        raised = line.top + line.bottom < before.top + before.bottom
        words[0] = replace(words[0], text=text.translate(_SUPERSCRIPTS if raised else _SUBSCRIPTS))
    column = before.words[-1].column + len(before.words[-1].text) + (not glued)
    words = [replace(word, column=column + word.column) for word in words]
    words[0] = replace(words[0], glued=glued)
    return replace(before, words=(*before.words, *words), right=line.right)


class Fonts:
    """What is known of the fonts of a page."""

    def __init__(self, textpage: Any, raw: Any) -> None:
        self.textpage, self.raw = textpage, raw
        self._known: dict[int, tuple[bool, bool]] = {}

    def words(self, text: str, position: int, column: int) -> Iterator[Word]:
        """Yield a word, in parts where code and text meet in it."""
        start = position + column
        first = self._style(start)
        if len(text) > 1:
            cut = 0
            if text[0] in _OPENERS and self._style(start + 1)[0] != first[0]:
                cut = 1
            elif first[0] and not self._style(start + len(text) - 1)[0]:
                cut = next(i for i in range(1, len(text)) if not self._style(start + i)[0])
            if cut:
                yield from self._word(text[:cut], first, column, glued=False)
                for word in self.words(text[cut:], position, column + cut):
                    yield replace(word, glued=True)
                return
        yield from self._word(text, first, column, glued=False)

    @staticmethod
    def _word(text: str, style: tuple[bool, bool], column: int, *, glued: bool) -> Iterator[Word]:
        if text.isascii() and text.isprintable():
            yield Word(text, *style, column, glued)
            return
        ends_line = _HYPHENS.search(text[-1]) is not None
        parts = _HYPHENS.split(text[:-1] if ends_line else text)
        cleaned = SOFT_HYPHEN.join(map(clean, (part.translate(_LIGATURES) for part in parts))) + "-" * ends_line
        if cleaned.strip(SOFT_HYPHEN):
            yield Word(cleaned, *style, column, glued)

    def _style(self, index: int) -> tuple[bool, bool]:
        """Return whether the character is monospaced, and bold."""
        raw = self.raw
        handle = raw.FPDFText_GetTextObject(self.textpage, index)
        key = ctypes.cast(handle, ctypes.c_void_p).value or 0
        known = self._known.get(key)
        if known is None:
            buffer = ctypes.create_string_buffer(128)
            flags = ctypes.c_int()
            raw.FPDFText_GetFontInfo(self.textpage, index, buffer, 128, flags)
            name = buffer.value.decode("utf-8", "replace")
            # FPDFText_GetFontWeight is no help: it guesses from stem widths and calls ordinary Roman type bold
            known = self._known[key] = (bool(flags.value & 1) or bool(_MONO.search(name)), bool(_BOLD.search(name)))
        return known


def body_size(lines: Iterable[Line]) -> float:
    """Return the size in which most of the text is set."""
    sizes: Counter[float] = Counter()
    for line in lines:
        if not line.mono:
            sizes[line.size] += len(line.text)
    return max(sorted(sizes), key=lambda size: sizes[size]) if sizes else 0.0


__all__ = [
    "SOFT_HYPHEN",
    "Fonts",
    "Line",
    "Printed",
    "Word",
    "body_size",
    "joined",
    "placed_words",
    "printed_lines",
]
