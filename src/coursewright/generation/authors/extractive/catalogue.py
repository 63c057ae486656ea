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
_NAMES = {
    "ar": "Arabic", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_TWO_STOPS = re.compile(r"([?!…？！؟])[.。]$")  # of a title that ends in one itself
_TERM = r"[^\s,;:.!?()“”„«»\"|]+(?:\s+[^\s,;:.!?()“”„«»\"|]+){0,3}?(?:\s*\([^()]{2,40}\))?"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language. A `refers_*` pattern finds a sentence that cannot stand alone; the rest are named alike."""

    language: str
    texts: dict[str, dict[str, str]]
    words_per_minute: int
    characters_per_minute: int
    quotes: str  # outer left, outer right, inner left, inner right
    sentence_words: tuple[int, int]
    refers_opener: re.Pattern[str]
    refers_anywhere: re.Pattern[str]
    numbering: re.Pattern[str]
    generic_titles: frozenset[str]
    matter: re.Pattern[str]
    glossary: re.Pattern[str]
    copula: re.Pattern[str]
    known: str
    tail: re.Pattern[str]
    opener: re.Pattern[str]
    role: re.Pattern[str] | None
    verb: re.Pattern[str] | None
    named_code: re.Pattern[str] | None  # "the command `X`": a name in code beside the kind of thing that it is
    bare_noun: re.Pattern[str] | None  # "The command …": one that was named before
    evaluation: re.Pattern[str]
    actor: re.Pattern[str]
    not_terms: frozenset[str]
    adverb: re.Pattern[str]
    head_first: bool  # the first word of a term says what kind of thing it is
    absolute: re.Pattern[str]
    vague: re.Pattern[str]
    negation: re.Pattern[str]
    sequence: re.Pattern[str]
    procedure: re.Pattern[str]
    generic_headers: frozenset[str]

    def say(self, group: str, name: str, **inserts: object) -> str:
        """Return a sentence of the catalogue with its terms inserted, unchanged but for quotation marks in others."""
        sentence = self.texts[group][name]
        said = sentence.format(**{key: self._inner(sentence, key, value) for key, value in inserts.items()})
        return _TWO_STOPS.sub(r"\1", said)

    def _inner(self, sentence: str, key: str, value: object) -> object:
        left, right, inner_left, inner_right = tuple(self.quotes)
        quoted = key != "titles" and re.search(rf"{left}\s*{{{key}}}", sentence)
        if not quoted or not isinstance(value, str) or left not in value:
            return value
        return re.sub(rf"\s*{right}", inner_right, re.sub(rf"{left}\s*", inner_left, value))

    def enumerate(self, items: Sequence[str]) -> str:
        """Join items as the language does: `a, b and c`."""
        if len(items) < 2:
            return "".join(items)
        outline = self.texts["outline"]
        last = _euphonic(self.language, outline["list_last"] + items[-1])
        return outline["list_separator"].join(items[:-1]) + last

    def series(self, titles: Sequence[str]) -> str:
        """Join titles, which may have commas of their own."""
        return self.texts["outline"]["series"].join(titles)

    def spoken(self, title: str) -> str:
        """Return a title as it is said aloud: a mark between joined titles is a pause."""
        return title.replace(self.texts["outline"]["beside"], self.texts["outline"]["list_separator"])

    def definition_of(self, term: str) -> re.Pattern[str]:
        """Return the pattern of a sentence that defines `term`; its group `rest` is what the term is."""
        return re.compile(self.known.replace("{term}", re.escape(term) + r"(?:\s*\([^()]{2,40}\))?"), re.I | re.S)


@cache
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of an ISO 639-1 language; raise `InvalidRequest` when there is none."""
    if language not in LANGUAGES:
        raise InvalidRequest(
            f"the built-in author does not write in {named(language)}",
            hint=f"it writes in {', '.join(map(named, LANGUAGES))}; a model can write in others: --author llm",
        )
    table = tomllib.loads((resources.files(__package__) / "templates" / f"{language}.toml").read_text("utf-8"))
    return _compile(language, table)


def named(language: str) -> str:
    """Return a language as an error tells it: `Italian (it)`, or the code alone where it has no name here."""
    return f"{_NAMES[language]} ({language})" if language in _NAMES else f"'{language}'"


def _euphonic(language: str, text: str) -> str:
    """Write Spanish `y` as `e` before the sound that it has itself (RAE, Diccionario panhispánico de dudas)."""
    return re.sub(r"^ y (?=[ií]|h[ií](?![eé]))", " e ", text, flags=re.I) if language == "es" else text


def _compile(language: str, table: dict[str, Any]) -> Catalogue:
    titles, definition, wording = table["titles"], table["definition"], table["wording"]
    insensitive = re.IGNORECASE
    least, most = table.get("sentence_words", (8, 35))
    return Catalogue(
        language=language,
        texts={name: table[name] for name in ("stems", "objectives", "outline", "notes", "brainbytes")},
        words_per_minute=table.get("words_per_minute", 0),
        characters_per_minute=table.get("characters_per_minute", 0),
        quotes=table["quotes"],
        sentence_words=(least, most),
        refers_opener=re.compile(table["refers"]["opener"], insensitive),
        refers_anywhere=re.compile(table["refers"]["anywhere"], insensitive),
        numbering=re.compile(rf"(?:{titles['numbering']})", insensitive),
        generic_titles=frozenset(title.casefold() for title in titles["generic"]),
        matter=re.compile(titles["matter"], insensitive),
        glossary=re.compile(titles["glossary"], insensitive),
        copula=re.compile(definition["copula"].replace("{term}", definition.get("term", _TERM)), re.S),
        known=definition["known"],
        tail=re.compile(definition.get("tail", r"[.。!]?") + r"\s*$"),
        opener=re.compile(definition["opener"], insensitive),
        role=_role(definition),
        verb=re.compile(definition["verb"] + r"\b", insensitive) if "verb" in definition else None,
        named_code=_named_code(definition),
        bare_noun=re.compile(rf"^\S+\s+{definition['noun']}\b(?!\s*`|-)", insensitive)
        if "noun" in definition
        else None,
        evaluation=re.compile(definition["evaluation"], insensitive),
        actor=re.compile(definition["actor"], insensitive),
        not_terms=frozenset(word.casefold() for word in definition["not_terms"]),
        head_first=definition.get("head_first", False),
        adverb=re.compile(definition.get("adverb", r"(?!)"), insensitive),
        absolute=re.compile(wording["absolute"], insensitive),
        vague=re.compile(wording["vague"], insensitive),
        negation=re.compile(wording["negation"], insensitive),
        sequence=re.compile(wording["sequence"], insensitive),
        procedure=re.compile(wording["procedure"], insensitive),
        generic_headers=frozenset(word.casefold() for word in wording["generic_header"]),
    )


def _named_code(definition: dict[str, str]) -> re.Pattern[str] | None:
    if "noun" not in definition:
        return None
    noun, code = definition["noun"], r"`([^`\n]{2,30})`"
    return re.compile(rf"{noun}\s+{code}|{code}(?:\s*|-){noun}", re.IGNORECASE)


def _role(definition: dict[str, str]) -> re.Pattern[str] | None:
    """Return the pattern of "`X` lists the files of …", for languages that have one."""
    if "role" not in definition:
        return None
    pattern = definition["role"].replace("{noun}", definition["noun"]).replace("{verb}", definition["verb"])
    return re.compile(pattern, re.S)


__all__ = ["LANGUAGES", "Catalogue", "catalogue", "named"]
