"""The little linguistics that the measures need: words, stems, stop words, sentences, n-grams.

Japanese and Chinese have no spaces: there a "word" is a pair of neighbouring characters of a run.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

import sentencex
import snowballstemmer
import stopwordsiso

_WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff々ー]+")
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
_STEMMERS = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese",
    "nl": "dutch", "ar": "arabic", "ru": "russian", "sv": "swedish", "fi": "finnish", "da": "danish",
}  # fmt: skip


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the stop words of a language; empty when none are known."""
    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


@cache
def _stemmer(language: str) -> object | None:
    name = _STEMMERS.get(language)
    return snowballstemmer.stemmer(name) if name else None


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Return the stem of a lower-case word; the word itself in a language without a stemmer."""
    stemmer = _stemmer(language)
    return str(stemmer.stemWord(word)) if stemmer is not None else word  # type: ignore[attr-defined]  # untyped library


def words(text: str) -> list[str]:
    """Return the lower-case words of a text in order."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group().casefold()
        if _UNSPACED.search(word):
            for run in _UNSPACED.findall(word):
                found += [run[i : i + 2] for i in range(max(len(run) - 1, 1))]
            found += _WORD.findall(_UNSPACED.sub(" ", word))
        else:
            found.append(word)
    return found


def content(text: str, language: str) -> list[str]:
    """Return the stems of the words that carry meaning, in order."""
    stop = stop_words(language)
    return [stem(word, language) for word in words(text) if word not in stop]


def numbers(text: str) -> frozenset[str]:
    """Return the numbers of a text as they are written; the numbers of a list's items do not count."""
    return frozenset(_NUMBER.findall(_LIST_MARK.sub("", text)))


def names(text: str, language: str) -> frozenset[str]:
    """Return the proper names of a text that can be told by their letters alone.

    In English, French and Spanish these are capitalised words inside a sentence; elsewhere only words with a capital
    or digit after their first letter (`PostgreSQL`, `GNU`), because German capitalises every noun.
    """
    found = set()
    for match in _WORD.finditer(_LIST_MARK.sub("", text)):
        word = match.group()
        if _UNSPACED.search(word) or not word[0].isalpha():
            continue
        before = text[: match.start()].rstrip(" \"'“‘«(`")
        inside = bool(before) and before[-1] not in ".!?:;\n|…"
        if any(char.isupper() for char in word[1:]) or (
            language in {"en", "fr", "es"} and inside and word[0].isupper() and len(word) > 1
        ):
            found.add(word.casefold())
    return frozenset(found)


def sentences(text: str, language: str) -> list[str]:
    """Return the sentences of a text; each line of a list is cut by itself."""
    found: list[str] = []
    for line in _LIST_MARK.sub("", text).splitlines():
        if line.strip():
            found += [piece.strip() for piece in sentencex.segment(language, line) if piece.strip()]
    return found


def ngrams(items: Sequence[str], size: int = 5) -> frozenset[tuple[str, ...]]:
    """Return the set of n-grams; a shorter sequence is one n-gram of its own length."""
    if not items:
        return frozenset()
    return frozenset(tuple(items[i : i + size]) for i in range(max(len(items) - size + 1, 1)))


def share(part: float, whole: float) -> float | None:
    """Return part / whole to four digits; None when there is nothing to measure."""
    return round(part / whole, 4) if whole else None


def excerpt(text: str, length: int = 120) -> str:
    """Return the beginning of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def count(texts: Iterable[str]) -> int:
    """Count the words of several texts."""
    return sum(len(words(text)) for text in texts)


__all__ = [
    "content", "count", "excerpt", "names", "ngrams", "numbers", "sentences", "share", "stem", "stop_words", "words",
]  # fmt: skip
