"""Lines of a PDF to text: paragraphs without line ends and hyphens, list items, listings with their indentation."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from coursewright.documents.read.inline import Inline
from coursewright.documents.read.pdf_lines import SOFT_HYPHEN, Line

BULLET = re.compile(r"^(?:[•●▪▶►‣◦∙·■□➢✓∗–—*-]|\uf0b7)$")
NUMBER = re.compile(r"^(?:\d{1,2}|[a-z])[.)]$")
ENDS_SENTENCE = re.compile(r"[.!?:;。！？]['”\")\]]*$")
_HYPHEN = re.compile(r"[^\W\d_][-‐]$")
_AND = re.compile(r"(?:and|or|und|oder|bzw|et|ou|y|o|u|e|to|bis)\b", re.IGNORECASE)
_CJK_END = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]$")
_CJK_START = re.compile("^[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]")
_LONGEST_ITEM = 12  # lines
_EDGES = ".,;:!?()\"'“”‘’«»"


def is_item(line: Line) -> bool:
    """Tell whether a line begins with a bullet or a number."""
    first = line.words[0].text
    return len(line.words) > 1 and bool(BULLET.match(first) or NUMBER.match(first))


def with_stops(lines: Sequence[Line]) -> list[Line]:
    """Return the lines; bare numbers that count the items of a list get their stops ("1 Lift the lid", "2 Close it").

    What follows a number is indented, or the next number.
    """
    marked = list(lines)
    for start in range(len(lines)):
        if not _is_counted(lines[start], 1):
            continue
        items = [start]
        for index in range(start + 1, len(lines)):
            line, last = lines[index], lines[items[-1]]
            if _is_counted(line, len(items) + 1) and abs(line.left - last.left) < 0.8 * line.size:
                items.append(index)
            elif line.cells or line.left < last.left + 0.5 * line.size or index - items[-1] > _LONGEST_ITEM:
                break
        if len(items) > 1:
            for index in items:
                first, *rest = lines[index].words
                marked[index] = replace(lines[index], words=(replace(first, text=f"{first.text}."), *rest))
    return marked


def _is_counted(line: Line, number: int) -> bool:
    words = line.words
    return (
        words[0].text == str(number)
        and len(words) > 1
        and words[1].text[0].isalpha()
        and not words[1].glued
        and not line.cells
        and not line.mono
    )


def vocabulary(lines: Iterable[Line]) -> set[str]:
    """Return the words that stand whole somewhere: they tell which hyphens at line ends are the author's."""
    return {word.text.strip(_EDGES).lower() for line in lines for word in line.words if SOFT_HYPHEN not in word.text}


def running_text(lines: Sequence[Line], known: set[str]) -> Inline:
    """Return the text of a paragraph."""
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
        text, space = _without_soft_hyphens(word.text, known, mono=word.mono), " "
        if following is not None and following.glued:
            space = ""
        elif following is not None and ends_line:
            text, space = _line_end(text, following.text, known)
        inline.write(text)
        if mono and not (following and following.mono):
            inline.close_code()
            mono = False
        if bold and not (following and following.bold):
            inline.close()
            bold = False
        inline.write(space)
    return inline


def _without_soft_hyphens(text: str, known: set[str], *, mono: bool) -> str:
    head, *tails = text.split(SOFT_HYPHEN)
    for tail in tails:
        head = head + "-" + tail if mono else "".join(_line_end(head + "-", tail, known)) + tail
    return head


def _line_end(word: str, following: str, known: set[str]) -> tuple[str, str]:
    """Return the last word of a line and what separates it from the next: hyphens of the typesetter go."""
    if _CJK_END.search(word) and _CJK_START.match(following):
        return word, ""
    if not _HYPHEN.search(word):
        return word, " "
    if _AND.match(following):  # "input- and output"
        return word, " "
    if following[:1].isupper() or following[:1].isdigit():
        return word, ""
    if not following[:1].islower():
        return word, " "
    tail = following.strip(_EDGES).lower()
    head = word.lstrip(_EDGES).lower()
    if f"{head}{tail}" in known and f"{head[:-1]}{tail}" not in known:
        return word, ""  # a compound that has its hyphen elsewhere too
    return word[:-1], ""


def list_text(lines: Sequence[Line], known: set[str]) -> str:
    """Return the items of a list, one a line, indented as they are nested."""
    items: list[list[Line]] = []
    for line in lines:
        if is_item(line) or not items:
            items.append([])
        items[-1].append(line)
    levels = _levels([item[0] for item in items])
    return "\n".join("  " * level + _item(item, known) for level, item in zip(levels, items, strict=True))


def _levels(firsts: Sequence[Line]) -> Iterator[int]:
    """Yield how deep each item is nested, by where it begins; margins may shift from page to page."""
    open_lists: list[tuple[float, str]] = []  # left edge and kind of bullet
    page = firsts[0].page
    for line in firsts:
        text = line.words[0].text
        kind = text if BULLET.match(text) else "number"
        if line.page != page:
            page = line.page
            same = [left for left, known in open_lists if known == kind]
            shift = line.left - same[-1] if same else 0.0
            open_lists = [(left + shift, known) for left, known in open_lists]
        while open_lists and line.left < open_lists[-1][0] - 4:
            open_lists.pop()
        if not open_lists or line.left > open_lists[-1][0] + 4:
            open_lists.append((line.left, kind))
        yield min(len(open_lists) - 1, 4)


def _item(lines: Sequence[Line], known: set[str]) -> str:
    first = lines[0].words[0].text
    marker = f"{first[:-1]}. " if NUMBER.match(first) and first[0].isdigit() else "- "
    rest = replace(lines[0], words=lines[0].words[1:])
    return marker + running_text([rest, *lines[1:]], known).take().text.replace("\n", " ")


def code_text(block: Sequence[Line]) -> str:
    """Rebuild the indentation of a listing from where its lines begin and how wide its characters are."""
    widths = sorted((line.right - line.left) / max(1, len(line.text)) for line in block)
    width = max(widths[len(widths) // 2], 1.0)
    margin = min(line.left for line in block)
    lines: list[str] = []
    last: Line | None = None
    for line in block:
        if last is not None and line.page == last.page and line.top - last.bottom > 0.8 * line.size:
            lines.append("")
        text, start = "", line.words[0].column
        for word in line.words:
            text = text.ljust(word.column - start) + word.text.replace(SOFT_HYPHEN, "-")
        lines.append(" " * round((line.left - margin) / width) + text)
        last = line
    return "\n".join(lines)


__all__ = [
    "BULLET",
    "ENDS_SENTENCE",
    "NUMBER",
    "code_text",
    "is_item",
    "list_text",
    "running_text",
    "vocabulary",
    "with_stops",
]
