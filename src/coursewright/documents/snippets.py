"""Which part of a passage to show for a question, and where in it the question's words stand."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OPEN, CLOSE = "\ue000", "\ue001"
_RUN = re.compile(  # as in coursewright.spaced: kanji, katakana, hiragana, Thai, Hangul
    "[\u3005-\u3007\u3400-\u9fff]+|[\u30a1-\u30ff]{2,}|[\u3041-\u309f]{2,}|[\u0e00-\u0e7f]{2,}|[\uac00-\ud7a3]+"
)
_SENTENCE_END = re.compile(r"(?<=[.!?:…])\s+|(?<=[。！？])|\n+")
_WIDTH = 240
_BEFORE = 80


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a passage, verbatim: `passage.text[start:start + len(text)]`.

    `matches` are start and end of each word of the question, counted from the snippet's own start, in order.
    """

    text: str
    start: int
    matches: tuple[tuple[int, int], ...]


def marked_places(marked: str, length: int) -> list[tuple[int, int]]:
    """Return start and end of what stands between marks, counted in the text without marks, which has `length`."""
    found: list[tuple[int, int]] = []
    place = begin = 0
    for char in marked:
        if char == OPEN:
            begin = place
        elif char == CLOSE:
            found.append((begin, place))
        else:
            place += 1
    return found if place == length else []  # Postgres drops words of over 2,000 bytes: no place is sure then


def unspaced_places(text: str, question: str) -> list[tuple[int, int]]:
    """Return where at least half of a run of the question stands: scripts without spaces have no words to look for."""
    found: set[tuple[int, int]] = set()
    for run in _RUN.findall(question):
        shortest = max(min(2, len(run)), (len(run) + 1) // 2)
        for length in range(len(run), shortest - 1, -1):
            parts = {run[start : start + length] for start in range(len(run) - length + 1)}
            found |= {match.span() for part in parts for match in re.finditer(re.escape(part), text)}
    return sorted(found)


def merge(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places in order, overlapping ones as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def cut(text: str, matches: Sequence[tuple[int, int]], body: int, width: int = _WIDTH) -> Snippet:
    """Return the part of at most `width` characters with most different words; `body` is where the heading ends."""
    in_body = [each for each in matches if each[0] >= body]
    start = _start(text, in_body, body, width) if in_body else body
    end = _end(text, start, width)
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end = start + len(text[start:end].rstrip())
    inside = tuple((a - start, b - start) for a, b in matches if start <= a and b <= end)
    return Snippet(text[start:end], start, inside)


def _start(text: str, matches: Sequence[tuple[int, int]], body: int, width: int) -> int:
    def worth(first: int) -> int:
        limit = matches[first][0] + width - _BEFORE
        return len({text[a:b].casefold() for a, b in matches[first:] if b <= limit})

    best = max(range(len(matches)), key=lambda first: (worth(first), -first))
    match = matches[best][0]
    earliest = max(body, match - _BEFORE)
    borders = [earliest + each.end() for each in _SENTENCE_END.finditer(text[earliest:match])]
    if borders:
        return borders[0]
    if earliest == body:
        return body
    space = re.search(r"\s", text[earliest:match])
    return earliest + space.end() if space else earliest


def _end(text: str, start: int, width: int) -> int:
    if len(text) - start <= width:
        return len(text)
    end = start + width
    space = max(text.rfind(" ", start + width // 2, end + 1), text.rfind("\n", start + width // 2, end + 1))
    return space if space > 0 else end


__all__ = ["CLOSE", "OPEN", "Snippet", "cut", "marked_places", "merge", "unspaced_places"]
