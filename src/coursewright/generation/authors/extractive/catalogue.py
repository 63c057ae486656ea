"""What the author knows of each language: its few sentences, and the words by which it judges those of the sources."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from coursewright.errors import InvalidRequest

LANGUAGES = ("ar", "de", "en", "es", "fr", "ja")
_TERM = r"[^\s,;:.!?()“”„«»\"|]+(?:\s+[^\s,;:.!?()“”„«»\"|]+){0,3}?(?:\s*\([^()]{2,40}\))?"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language. A `refers_*` pattern finds a sentence that cannot stand alone; the rest are named alike."""

    language: str
    texts: dict[str, dict[str, str]]
    words_per_minute: int
    characters_per_minute: int
    sentence_words: tuple[int, int]
    refers_opener: re.Pattern[str]
    refers_anywhere: re.Pattern[str]
    numbering: re.Pattern[str]
    generic_titles: frozenset[str]
    matter: re.Pattern[str]
    glossary: re.Pattern[str]
    copula: re.Pattern[str]
    known: str
    opener: re.Pattern[str]
    evaluation: re.Pattern[str]
    actor: re.Pattern[str]
    not_terms: frozenset[str]
    absolute: re.Pattern[str]
    vague: re.Pattern[str]
    negation: re.Pattern[str]
    sequence: re.Pattern[str]
    procedure: re.Pattern[str]
    generic_headers: frozenset[str]

    def say(self, group: str, name: str, **inserts: object) -> str:
        """Return a sentence of the catalogue with its terms inserted, unchanged."""
        return self.texts[group][name].format(**inserts)

    def enumerate(self, items: Sequence[str]) -> str:
        """Join items as the language does: `a, b and c`."""
        if len(items) < 2:
            return "".join(items)
        outline = self.texts["outline"]
        return outline["list_separator"].join(items[:-1]) + outline["list_last"] + items[-1]

    def definition_of(self, term: str) -> re.Pattern[str]:
        """Return the pattern of a sentence that defines `term`; its group `rest` is what the term is."""
        return re.compile(self.known.replace("{term}", re.escape(term) + r"(?:\s*\([^()]{2,40}\))?"), re.I | re.S)


@cache
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of an ISO 639-1 language; raise `InvalidRequest` when there is none."""
    if language not in LANGUAGES:
        raise InvalidRequest(
            f"the built-in author does not write in '{language}'",
            hint=f"it knows {', '.join(LANGUAGES)}; a model can write in others: --author llm",
        )
    table = tomllib.loads((resources.files(__package__) / "templates" / f"{language}.toml").read_text("utf-8"))
    return _compile(language, table)


def _compile(language: str, table: dict[str, Any]) -> Catalogue:
    titles, definition, wording = table["titles"], table["definition"], table["wording"]
    insensitive = re.IGNORECASE
    least, most = table.get("sentence_words", (8, 35))
    return Catalogue(
        language=language,
        texts={name: table[name] for name in ("stems", "objectives", "outline", "notes", "brainbytes")},
        words_per_minute=table.get("words_per_minute", 0),
        characters_per_minute=table.get("characters_per_minute", 0),
        sentence_words=(least, most),
        refers_opener=re.compile(table["refers"]["opener"], insensitive),
        refers_anywhere=re.compile(table["refers"]["anywhere"], insensitive),
        numbering=re.compile(rf"(?:{titles['numbering']})", insensitive),
        generic_titles=frozenset(title.casefold() for title in titles["generic"]),
        matter=re.compile(titles["matter"], insensitive),
        glossary=re.compile(titles["glossary"], insensitive),
        copula=re.compile(definition["copula"].replace("{term}", definition.get("term", _TERM)), re.S),
        known=definition["known"],
        opener=re.compile(definition["opener"], insensitive),
        evaluation=re.compile(definition["evaluation"], insensitive),
        actor=re.compile(definition["actor"], insensitive),
        not_terms=frozenset(word.casefold() for word in definition["not_terms"]),
        absolute=re.compile(wording["absolute"], insensitive),
        vague=re.compile(wording["vague"], insensitive),
        negation=re.compile(wording["negation"], insensitive),
        sequence=re.compile(wording["sequence"], insensitive),
        procedure=re.compile(wording["procedure"], insensitive),
        generic_headers=frozenset(word.casefold() for word in wording["generic_header"]),
    )


__all__ = ["LANGUAGES", "Catalogue", "catalogue"]
