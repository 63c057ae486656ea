"""Titles of modules, lessons and sections from the headings above their passages, each distinct among its kind."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.material import common_path, path_of
from coursewright.generation.authors.extractive.titles import telling
from coursewright.generation.authors.extractive.words import function_words

_DOMINANT = 0.65  # share of the words above which one heading names the whole group
_PLAIN_WORDS = 4
_MOST_JOINED = 70  # characters of a joined title


class Namer:
    """Gives out titles; within one kind (`scope`) none twice."""

    def __init__(self, words: Catalogue) -> None:
        self._words = words
        self._used: dict[str, set[str]] = defaultdict(set)

    def name(self, scope: str, passages: Sequence[Passage], within: Sequence[Passage]) -> str:
        """Name a group of passages that is cut out of `within`."""
        used = self._used[scope]
        first = ""
        for title in self._candidates(passages, within):
            first = first or title
            if title and title.casefold() not in used:
                used.add(title.casefold())
                return title
        base = first or self._words.say("outline", "untitled")
        number = 1 if base.casefold() not in used else 2
        title = base if number == 1 else self._words.say("outline", "numbered", title=base, n=number)
        while title.casefold() in used:
            number += 1
            title = self._words.say("outline", "numbered", title=base, n=number)
        used.add(title.casefold())
        return title

    def _candidates(self, passages: Sequence[Passage], within: Sequence[Passage]) -> Iterator[str]:
        words = self._words
        own, outer = common_path(passages), common_path(within)
        covers = own and sum(p.words for p in passages) >= _DOMINANT * sum(
            p.words for p in within if path_of(p)[: len(own)] == own
        )
        if own and (len(own) > len(outer) or covers):
            yield telling(own, words)
        sizes: Counter[tuple[str, ...]] = Counter()
        for passage in passages:
            sizes[path_of(passage)[: len(own) + 1]] += passage.words
        places = {path: place for place, path in enumerate(sizes)}
        largest = sorted(sizes, key=lambda path: (-sizes[path], places[path]))
        if len(largest) > 1 and sizes[largest[0]] < _DOMINANT * sum(sizes.values()):
            a, b = (telling(path, words) for path in sorted(largest[:2], key=lambda path: places[path]))
            if a and b and a != b and len(a) + len(b) <= _MOST_JOINED:
                yield joined(a, b, words)
        for path in largest:
            yield telling(path, words)
        for passage in passages:
            yield telling(path_of(passage), words)
        if own:
            yield telling(own, words)


def joined(a: str, b: str, words: Catalogue) -> str:
    """Return "A and B", or "A · B" where one is long, has an "and" of its own, or B opens with an article."""
    conjunction = words.texts["outline"]["join"].format(a="", b="").strip()
    linked = any(conjunction in title.split() or f" {conjunction}" in title for title in (a, b))
    short = all(len(title.split()) <= _PLAIN_WORDS for title in (a, b))
    # "The frame and The wheel": an article with a capital does not stand inside a title.
    opened = b.split()[0].casefold() in function_words(words.language) or not b[0].isalnum()
    return words.join(a, b) if short and not linked and not opened else words.beside(a, b)


__all__ = ["Namer", "joined"]
