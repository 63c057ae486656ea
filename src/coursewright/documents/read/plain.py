"""Reads plain text: paragraphs between blank lines, headings (underlined, numbered, or a short line alone), lists."""

import re
from itertools import pairwise

from coursewright.documents.passages import ReadDocument
from coursewright.documents.read.builder import DocumentBuilder
from coursewright.documents.read.decode import decode
from coursewright.documents.read.inline import clean, fold

_UNDERLINE = re.compile(r"^[=~*^#]{3,}$|^-{3,}$")
_CHAPTER = re.compile(
    r"^(chapter|part|section|appendix|kapitel|teil|abschnitt|chapitre|partie|capítulo)\s+[\dIVXLA-Z]+\b", re.I
)
_NUMBERED = re.compile(r"^(\d+(?:\.\d+)*)\.?\s+\S")
_TITLE = re.compile(r"^[^\W\d_](?:[^|=()\[\].!?]|[.](?=\w)){0,58}[\w»”“?]$")
_ENDS = ".!?:…。！？؟"
_ITEM = re.compile(r"^(\s*)(?:([-*•–])|(\d+)[.)])\s+(?=\S)")


def read_plain(name: str, content: bytes) -> ReadDocument:
    """Read a plain text; lines of a paragraph are joined."""
    builder = DocumentBuilder(name)
    text = clean(decode(name, content, builder.warnings).expandtabs(4))
    blocks: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            blocks[-1].append(line.rstrip())
        elif blocks[-1]:
            blocks.append([])
    for block, after in pairwise([*blocks, []]):
        if level := _stands_above(block, after, first=not len(builder)):
            builder.heading(block[0], level)
        else:
            _add(builder, block)
    return builder.build()


def _stands_above(block: list[str], after: list[str], *, first: bool) -> int:
    """Return the level of a heading that nothing marks: a short line alone above a paragraph, or above all."""
    line = block[0] if len(block) == 1 else ""
    if not _TITLE.match(line) or line[0].islower() or _heading_level(line) or _ITEM.match(line):
        return 0
    below = fold("\n".join(after))
    if first and len(after) == 1 and _TITLE.match(below):
        return 1  # the title, above the first heading
    return (1 if first else 2) if len(below) > len(line) and below[-1] in _ENDS else 0


def _add(builder: DocumentBuilder, lines: list[str]) -> None:
    if len(lines) >= 2 and _UNDERLINE.match(lines[1].strip()) and len(lines[0].strip()) <= 100:
        builder.heading(lines[0], 1 if lines[1].strip()[0] in "=#*" else 2)
        lines = lines[2:]
    if not lines:
        return
    if len(lines) == 1 and (level := _heading_level(lines[0].strip())):
        builder.heading(lines[0], level)
    elif _ITEM.match(lines[0]):
        builder.add("list", "\n".join(_items(lines)))
    elif all(line.startswith("    ") for line in lines) and len(builder):
        builder.add("code", "\n".join(line[4:] for line in lines))
    else:
        first_item = next((i for i, line in enumerate(lines) if _ITEM.match(line)), len(lines))
        builder.add("paragraph", fold("\n".join(lines[:first_item])))
        if first_item < len(lines):
            builder.add("list", "\n".join(_items(lines[first_item:])))


def _heading_level(line: str) -> int:
    if len(line) > 80 or line[-1] in ".,;:!?":
        return 0
    if _CHAPTER.match(line):
        return 1
    if (numbered := _NUMBERED.match(line)) and not line[-1].isdigit():
        return numbered[1].count(".") + 1
    letters = [char for char in line if char.isalpha()]
    return 2 if len(letters) >= 4 and all(map(str.isupper, letters)) else 0


def _items(lines: list[str]) -> list[str]:
    items: list[str] = []
    for line in lines:
        if match := _ITEM.match(line):
            indent = "  " * min(len(match[1]) // 2, 4)
            items.append(f"{indent}{match[3] + '.' if match[3] else '-'} {fold(line[match.end() :])}")
        else:
            items[-1] += f" {fold(line)}"
    return items


__all__ = ["read_plain"]
