"""A whole knowledge base in few tokens: what the outline's prompt shows of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from coursewright.documents.passages import Passage
from coursewright.llm.tokens import at_most_tokens

_BEGINNINGS = (240, 120, 60)  # characters of each passage shown, the most that fits
_LINE_BREAK = 1  # token


@dataclass(frozen=True, slots=True)
class Listing:
    """The knowledge base as the outline's prompt shows it: neighbouring passages of one heading under one alias."""

    groups: tuple[tuple[Passage, ...], ...]
    text: str

    def passages(self, aliases: Sequence[str]) -> tuple[tuple[Passage, ...], list[str]]:
        """Return the passages named, and the names that do not exist."""
        found: list[Passage] = []
        unknown: list[str] = []
        for alias in dict.fromkeys(alias.strip().strip("[]").upper() for alias in aliases):
            number = int(alias[1:]) if alias[:1] == "S" and alias[1:].isdecimal() else 0
            if 0 < number <= len(self.groups):
                found += self.groups[number - 1]
            else:
                unknown.append(alias)
        return tuple(found), unknown


def list_passages(passages: Sequence[Passage], most_tokens: int) -> Listing:
    """List all passages in at most so many tokens: shorter beginnings first, then coarser groups."""
    deepest = max((len(passage.heading_path) for passage in passages), default=0)
    groups: list[tuple[Passage, ...]] = []
    for depth in range(deepest, -1, -1):
        groups = _grouped(passages, depth) if depth < deepest else [(passage,) for passage in passages]
        for length in _BEGINNINGS:
            if _fits(_lines(groups, length), most_tokens):
                return Listing(tuple(groups), "\n".join(_lines(groups, length)))
    return Listing(tuple(groups), "\n".join(_lines(groups, _BEGINNINGS[-1])))  # nothing coarser is left


def _fits(lines: Iterable[str], most_tokens: int) -> bool:
    """Tell whether lines fit, without looking at more of them than do."""
    left = most_tokens
    return all((left := left - at_most_tokens(line) - _LINE_BREAK) >= 0 for line in lines)


def _grouped(passages: Sequence[Passage], depth: int) -> list[tuple[Passage, ...]]:
    groups: dict[tuple[str, ...], list[Passage]] = {}
    for passage in passages:
        groups.setdefault((passage.document, *passage.heading_path[:depth]), []).append(passage)
    return [tuple(group) for group in groups.values()]


def _lines(groups: Sequence[Sequence[Passage]], length: int) -> Iterator[str]:
    return (_line(number, group, length) for number, group in enumerate(groups, 1))


def _line(number: int, group: Sequence[Passage], length: int) -> str:
    first = group[0]
    words = sum(passage.words for passage in group)
    place = " › ".join((first.title or first.document, *first.heading_path))
    beginning = " ".join(first.text.split())[:length]
    return f"S{number} | {' '.join(place.split())} | {words} words | {beginning}".replace("<", "‹")


__all__ = ["Listing", "list_passages"]
