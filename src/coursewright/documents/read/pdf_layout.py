"""Lines of a PDF to blocks: headings, paragraphs without line ends and hyphens, lists, listings."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.inline import Inline, fold

_BULLET = re.compile(r"^(?:[•●▪▶►‣◦∙·■□➢✓–—*-]|\uf0b7)$")
_NUMBER = re.compile(r"^(?:\d{1,2}|[a-z])[.)]$")
_NUMBERING = re.compile(
    r"^(?:(?i:chapter|appendix|part|section|kapitel|anhang|chapitre)\s+)?(?:\d+|[A-Z])(?:\.\d+)*[.:]?\s+"
)
_LETTERS = re.compile(r"[\W_]+")
_ENDS_SENTENCE = re.compile(r"[.!?:;。！？]['”\")\]]*$")
_HYPHEN = re.compile(r"[^\W\d_][-‐]$")
_CJK_END = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]$")
_CJK_START = re.compile("^[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    mono: bool
    bold: bool
    column: int  # characters before it in its line


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

    @property
    def text(self) -> str:
        """Return the words with single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def mono(self) -> bool:
        """Tell whether it is a line of a listing."""
        return all(word.mono for word in self.words)

    @property
    def bold(self) -> bool:
        """Tell whether all of it is bold."""
        return all(word.bold for word in self.words)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the outline; `page` counts from 0."""

    level: int
    title: str
    page: int


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading that begins at a line and takes up `lines` of them; 0: the outline names it, the page does not."""

    level: int
    title: str
    lines: int


def add_blocks(builder: DocumentBuilder, lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> None:
    """Add the blocks that `lines` make up, with headings from the outline or, without one, from the fonts."""
    headings = _headings_of_outline(lines, bookmarks) if bookmarks else _headings_of_fonts(lines)
    vocabulary = {word.text.strip(".,;:!?()\"'").lower() for line in lines for word in line.words}
    block: list[Line] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        if index in headings:
            _write(builder, block, vocabulary)
            block = []
            builder.page = line.page + 1
            used = 0  # lines that are headings themselves; the others only stand below one
            for heading in headings[index]:
                builder.heading(heading.title, heading.level)
                used = max(used, heading.lines)
            if used:
                index += used
                continue
        if block and _begins_block(block, line):
            _write(builder, block, vocabulary)
            block = []
        block.append(line)
        index += 1
    _write(builder, block, vocabulary)


def _begins_block(block: Sequence[Line], line: Line) -> bool:
    last = block[-1]
    if last.mono != line.mono:
        return True
    if line.mono:
        return line.page == last.page and line.top - last.bottom > 2.5 * line.size
    if _BULLET.match(line.words[0].text) or _NUMBER.match(line.words[0].text):
        return not _is_item(block[0]) or (line.page == last.page and line.top - last.bottom > 1.5 * line.size)
    if abs(last.size - line.size) > 0.15 * max(last.size, line.size):
        return True
    if line.page != last.page:
        return bool(_ENDS_SENTENCE.search(last.text))
    gap = line.top - last.bottom
    if gap > 0.55 * line.size or gap < -3 * line.size:  # the next paragraph, or the next column
        return gap > 0 or bool(_ENDS_SENTENCE.search(last.text))
    if _is_item(block[0]):
        return line.left <= block[0].left + 1 and bool(_ENDS_SENTENCE.search(last.text))
    widest = max(one.right for one in block)
    indented = line.left > last.left + 0.8 * line.size
    ends = bool(_ENDS_SENTENCE.search(last.text))
    return ends and (indented or last.right < widest - 4 * line.size)


def _is_item(line: Line) -> bool:
    return len(line.words) > 1 and bool(_BULLET.match(line.words[0].text) or _NUMBER.match(line.words[0].text))


def _write(builder: DocumentBuilder, block: list[Line], vocabulary: set[str]) -> None:
    if not block:
        return
    builder.page = block[0].page + 1
    if block[0].mono and (len(block) > 1 or len(block[0].words) > 1):
        builder.add("code", "\n".join(_code_lines(block)))
    elif _is_item(block[0]):
        items: list[list[Line]] = []
        for line in block:
            if _is_item(line) or not items:
                items.append([])
            items[-1].append(line)
        builder.add("list", "\n".join(_item(item, vocabulary) for item in items))
    else:
        inline = _running_text(block, vocabulary)
        piece = inline.take()
        marks = [mark for mark in piece.marks if mark.end - mark.start < min(80, len(piece.text))]
        builder.add("paragraph", piece.text, marks)


def _item(lines: list[Line], vocabulary: set[str]) -> str:
    first = lines[0].words[0].text
    marker = f"{first[:-1]}. " if _NUMBER.match(first) and first[0].isdigit() else "- "
    rest = Line(lines[0].words[1:], lines[0].page, 0, 0, 0, 0, 0)
    return marker + _running_text([rest, *lines[1:]], vocabulary).take().text


def _code_lines(block: list[Line]) -> Iterable[str]:
    """Rebuild the indentation of a listing from where its lines begin and how wide its characters are."""
    widths = sorted((line.right - line.left) / max(1, len(line.text)) for line in block)
    width = max(widths[len(widths) // 2], 1.0)
    margin = min(line.left for line in block)
    last: Line | None = None
    for line in block:
        if last is not None and line.page == last.page and line.top - last.bottom > 0.8 * line.size:
            yield ""
        text, start = "", line.words[0].column
        for word in line.words:
            text = text.ljust(word.column - start) + word.text if word.column > start else text + word.text
        yield " " * round((line.left - margin) / width) + text
        last = line


def _running_text(lines: Sequence[Line], vocabulary: set[str]) -> Inline:
    inline = Inline()
    words = [(word, place == len(line.words) - 1) for line in lines for place, word in enumerate(line.words)]
    all_bold = all(word.bold for word, _ in words)
    bold = mono = False
    for index, (word, ends_line) in enumerate(words):
        following = words[index + 1][0] if index + 1 < len(words) else None
        if word.bold and not bold and not all_bold:
            inline.open("strong")
            bold = True
        if word.mono and not mono:
            inline.open_code()
            mono = True
        text, space = word.text, " "
        if following is not None and ends_line:
            text, space = _line_end(word.text, following.text, vocabulary)
        inline.write(text)
        if mono and not (following and following.mono):
            inline.close_code()
            mono = False
        if bold and not (following and following.bold):
            inline.close()
            bold = False
        inline.write(space)
    return inline


def _line_end(word: str, following: str, vocabulary: set[str]) -> tuple[str, str]:
    """Return the last word of a line and what separates it from the next: hyphens of the typesetter go."""
    if _CJK_END.search(word) and _CJK_START.match(following):
        return word, ""
    if not _HYPHEN.search(word) or not following[:1].islower():
        return word, " "
    tail = following.strip(".,;:!?()\"'").lower()
    head = word.lstrip("(\"'“").lower()
    if f"{head}{tail}" in vocabulary and f"{head[:-1]}{tail}" not in vocabulary:
        return word, ""  # a compound that has its hyphen elsewhere too
    return word[:-1], ""


def _key(text: str) -> str:
    return _LETTERS.sub("", text.lower())


def _headings_of_outline(lines: Sequence[Line], bookmarks: Sequence[Bookmark]) -> dict[int, list[_Heading]]:
    """Return, by index of their first line, the headings that the outline names.

    A bookmark whose words are not found on its page still becomes a heading, at the top of that page.
    """
    by_page: dict[int, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        by_page[line.page].append(index)
    headings: dict[int, list[_Heading]] = defaultdict(list)
    after = -1
    for bookmark in bookmarks:
        wanted = {_key(bookmark.title), _key(_NUMBERING.sub("", bookmark.title))} - {""}
        places = [index for page in (bookmark.page, bookmark.page + 1) for index in by_page.get(page, ())]
        found = next(
            ((index, used) for index in places if index > after and (used := _matches(lines, index, wanted))), None
        )
        if found is None:
            here = [index for index in by_page.get(bookmark.page, ()) if index > after]
            if here:
                headings[here[0]].append(_Heading(bookmark.level, fold(bookmark.title), 0))
            continue
        index, used = found
        title = fold(" ".join(line.text for line in lines[index : index + used]))
        headings[index].append(_Heading(bookmark.level, title, used))
        after = index + used - 1
    return headings


def _matches(lines: Sequence[Line], index: int, wanted: set[str]) -> int:
    """Return how many lines from `index` on make up a wanted title; 0 if they do not."""
    text = ""
    for used in range(1, 5):
        if index + used > len(lines) or lines[index + used - 1].page != lines[index].page:
            return 0
        text = f"{text} {lines[index + used - 1].text}".strip()
        if _key(text) in wanted or _key(_NUMBERING.sub("", text)) in wanted:
            return used
        if len(_key(text)) > 20 + max(map(len, wanted), default=0):
            return 0
    return 0


def _headings_of_fonts(lines: Sequence[Line]) -> dict[int, list[_Heading]]:
    """Guess headings: short lines in larger type than the text, or bold and apart from what surrounds them."""
    sizes: Counter[float] = Counter()
    for line in lines:
        if not line.mono:
            sizes[line.size] += len(line.text)
    if not sizes:
        return {}
    body = max(sorted(sizes), key=lambda size: sizes[size])
    larger = [size for size in sorted(sizes, reverse=True) if size > 1.12 * body]
    ranks: list[float] = []
    for size in larger:
        if not ranks or size < 0.93 * ranks[-1]:
            ranks.append(size)
    headings: dict[int, list[_Heading]] = {}
    index = 0
    while index < len(lines):
        line = lines[index]
        level = _level(lines, index, body, ranks)
        if not level:
            index += 1
            continue
        used = 1
        while (
            used < 3
            and index + used < len(lines)
            and lines[index + used].page == line.page
            and abs(lines[index + used].size - line.size) < 0.1
            and lines[index + used].bold == line.bold
            and lines[index + used].top - lines[index + used - 1].bottom < 0.8 * line.size
        ):
            used += 1
        title = fold(" ".join(one.text for one in lines[index : index + used]))
        headings[index] = [_Heading(level, title, used)]
        index += used
    return headings


def _level(lines: Sequence[Line], index: int, body: float, ranks: list[float]) -> int:
    line = lines[index]
    text = line.text
    if line.mono or len(text) > 120 or not any(map(str.isalpha, text)) or _is_bare_item(line):
        return 0
    if line.size > 1.12 * body:
        return min(1 + next((rank for rank, size in enumerate(ranks) if line.size >= 0.93 * size), 0), 4)
    before = lines[index - 1] if index else None
    apart = before is None or before.page != line.page or line.top - before.bottom > 0.5 * line.size
    if line.bold and apart and len(text) <= 80 and not _ENDS_SENTENCE.search(text) and line.size >= 0.95 * body:
        return min(len(ranks) + 1, 4)
    return 0


def _is_bare_item(line: Line) -> bool:
    return bool(_BULLET.match(line.words[0].text))


__all__ = ["Bookmark", "Line", "Word", "add_blocks"]
