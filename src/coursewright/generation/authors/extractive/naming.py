"""Titles of modules, lessons and sections from the headings above their passages, each distinct among its kind."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from coursewright.documents.passages import Passage
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.material import common_path, path_of
from coursewright.generation.authors.extractive.titles import telling, without_number

_DOMINANT = 0.65  # share of the words above which one heading names the whole group
_PLAIN_WORDS = 4
_NAMED = 0.15  # share of the words from which a heading is named in a joined title
_MOST_NAMED = 3
_OPENERS = {
    "de": frozenset({"der", "die", "das", "den", "dem", "ein", "eine"}),
    "en": frozenset({"the", "a", "an", "how", "what"}),
    "es": frozenset({"el", "la", "los", "las", "un", "una"}),
    "fr": frozenset({"le", "la", "les", "l", "un", "une", "des"}),
}
_MOST_JOINED = 80  # characters of a joined title


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
            named = [path for path in largest[:_MOST_NAMED] if sizes[path] >= _NAMED * sum(sizes.values())]
            if own in named and own:  # what stands above the others names them too
                yield telling(own, words)
            if len(named) < 2:  # many small ones
                first, second, *_ = sorted(largest[:2], key=lambda path: places[path])
                yield words.say("outline", "more", a=telling(first, words), b=telling(second, words))
            for count in range(len(named), 1, -1):
                title = joined([telling(path, words) for path in sorted(named[:count], key=lambda p: places[p])], words)
                if len(title) <= _MOST_JOINED:
                    yield title
        for path in largest:
            yield telling(path, words)
        for passage in passages:
            yield telling(path_of(passage), words)
        if own:
            yield telling(own, words)


def joined(titles: Sequence[str], words: Catalogue) -> str:
    """Return titles as one: "A, B and C", or "A, B" where one is long or has an "and" of its own.

    Titles with commas are parted by something stronger. An article loses its capital inside a title, and
    parts of one and the same ("Patches (2)") are named once.
    """
    names = list(dict.fromkeys(without_number(title) for title in titles if title))
    lowered = _OPENERS.get(words.language, frozenset())
    names = [
        name[0].lower() + name[1:] if place and _first(name) in lowered else name for place, name in enumerate(names)
    ]
    outline = words.texts["outline"]
    if any(outline["list_separator"].strip() in name for name in names):
        return outline["beside"].join(names)
    conjunction = outline["list_last"].rstrip()
    plain = all(len(name.split()) <= _PLAIN_WORDS and conjunction not in name for name in names)
    plain = plain and all(name[0].isalnum() for name in names)
    return words.enumerate(names) if plain else outline["list_separator"].join(names)


def _first(name: str) -> str:
    """Return the first word of a title, without what an apostrophe ties to it."""
    return re.split(r"[\s'’]", name, maxsplit=1)[0].casefold()


__all__ = ["Namer", "joined"]
