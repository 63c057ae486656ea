"""Acronyms and what they stand for, as the sources write them out.

Schwartz and Hearst 2003, "A simple algorithm for identifying abbreviation definitions in biomedical text", both ways
round: `Long Form (LF)` and `LF (Long Form)`.
"""

import re
from collections.abc import Iterator

_SHORT_IN_BRACKETS = re.compile(r"\(([A-Z][A-Za-z0-9&/.-]{1,9})\)")
_LONG_IN_BRACKETS = re.compile(r"(?<![\w-])([A-Z][A-Za-z0-9&-]{1,9})\s+\(([A-Za-zÀ-ÿ][^()]{5,60})\)")
_EDGES = ' \t\n\u00a0\u200e\u200f"“”„«»'  # quotation marks and marks of direction round a long form
_AFTER_LONG = re.compile(rf"(?:\s*(?:の(?:略語?|頭文字).*|[=＝].*)|[{re.escape(_EDGES)}]+)$")
_NO_LONG_FORM = re.compile(r"[.;:!?()|`=]|\b(?:is|are|ist|sind|est|sont|es|son)\b")
_WORD_START = re.compile(r"(?<![^\s(“\"-])\w")


def expansions(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield acronyms with the span of what they stand for."""
    for found in _SHORT_IN_BRACKETS.finditer(text):
        short = found[1]
        before = text[: found.start()].rstrip(_EDGES)
        if not _is_acronym(short) or "\n\n" in before[-80:]:
            continue
        start = _best_start(short, before)
        if start is not None:
            end = len(before) - 2 if before.endswith(("'s", "’s")) else len(before)
            yield short, start, end
    for found in _LONG_IN_BRACKETS.finditer(text):
        short, long = found[1], found[2]
        long = _AFTER_LONG.sub("", long)
        chance = len(short) == 2 and not long[:1].isupper()  # "some IP (internal, probably) addresses"
        if _is_acronym(short) and "," not in long and not chance and _best_start(short, long) == 0:
            yield short, found.start(2), found.start(2) + len(long)


def _is_acronym(short: str) -> bool:
    return sum(char.isupper() for char in short) >= 2 and not short.endswith((".", "-"))


def _best_start(short: str, text: str) -> int | None:
    """Return where the shortest long form of `short` at the end of `text` begins."""
    letters = [char for char in short.lower() if char.isalnum()]
    # Where the last words begin with the letters one by one, these words are it ("Serializable Snapshot Isolation").
    starts = [found.start() for found in _WORD_START.finditer(text)][-len(letters) :]
    if [text[at].lower() for at in starts] == letters and not re.search(r"[.;:!?()|`\n]", text[starts[0] :]):
        return starts[0]
    limit = min(len(letters) + 5, len(letters) * 2)
    at = len(text) - 1
    for place in range(len(letters) - 1, -1, -1):
        first = place == 0
        while at >= 0 and (
            text[at].lower() != letters[place] or (first and at > 0 and (text[at - 1].isalnum() or text[at - 1] == "'"))
        ):
            at -= 1
        if at < 0:
            return None
        at -= 1
    start = at + 1
    long = text[start:]
    words = long.split()
    if len(words) < 2 or len(words) > limit or short in words or "\n" in long or _NO_LONG_FORM.search(long):
        return None
    initials = {long[found.start()].lower() for found in _WORD_START.finditer(long)}
    # Nearly every letter must begin a word, else the letters were found by chance.
    return start if sum(letter in initials for letter in letters) * 3 > len(letters) * 2 else None


__all__ = ["expansions"]
