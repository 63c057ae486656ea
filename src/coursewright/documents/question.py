"""A question as the search by words asks it: without the words that every question has."""

import re
from functools import cache

import stopwordsiso

from coursewright.documents.read.languages import detect, likeliest

UNSPACED = frozenset({"ja", "ko", "th", "zh"})
# Languages whose text search configuration has a list of stop words.
_POSTGRES_KNOWS = frozenset(
    ["da", "de", "en", "es", "fi", "fr", "hu", "it", "nb", "ne", "nl", "nn", "no", "pt", "ru", "sv", "tr"]
)
_WORD = re.compile(r"[^\W_]+")
_HIRAGANA = re.compile("[\u3041-\u309f]+")  # particles and endings; what a Japanese question is about is seldom in it


def language_of(question: str, languages: list[str]) -> str:
    """Return the language of a question to a knowledge base in `languages`; "" where nothing tells."""
    return detect(question) or likeliest(question, languages)


def essence(question: str, spoken: str, language: str) -> str:
    """Return what to ask the passages of `language` when the question is spoken in another or the same.

    Stop words of the question's language are left out, unless nothing else is in it. Where the languages are the same
    and Postgres has stop words, those suffice: its lists are short, and "Why Debian?" is best found by its "why".
    """
    if spoken == language and language in _POSTGRES_KNOWS:
        return question
    stops = _stop_words(spoken)
    if spoken in UNSPACED:
        long = sorted((word for word in stops if len(word) > 1), key=lambda word: (-len(word), word))
        rest = _HIRAGANA.sub(" ", re.sub("|".join(map(re.escape, long)), " ", question))
    else:
        rest = _WORD.sub(lambda word: " " if word[0].casefold() in stops else word[0], question)
    return rest if _WORD.search(rest) else question


@cache
def _stop_words(language: str) -> frozenset[str]:
    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


__all__ = ["UNSPACED", "essence", "language_of"]
