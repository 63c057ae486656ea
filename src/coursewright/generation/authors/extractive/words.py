"""Words as the author compares them: lower case, stemmed, no stop words; bigrams where nothing parts the words."""

import re
import threading
import unicodedata
from functools import cache, lru_cache

import stopwordsiso
from snowballstemmer.arabic_stemmer import ArabicStemmer
from snowballstemmer.english_stemmer import EnglishStemmer
from snowballstemmer.french_stemmer import FrenchStemmer
from snowballstemmer.german_stemmer import GermanStemmer
from snowballstemmer.spanish_stemmer import SpanishStemmer

# The pure stemmers by name: `snowballstemmer.stemmer` would pick PyStemmer where that happens to be installed.
_STEMMERS = {
    "ar": ArabicStemmer,
    "de": GermanStemmer,
    "en": EnglishStemmer,
    "es": SpanishStemmer,
    "fr": FrenchStemmer,
}
_UNSPACED = {"ja", "zh", "th"}
_WORD = re.compile(r"[^\W_]+(?:[-'’.+][^\W_]+)*", re.UNICODE)
_UNSPACED_RUN = re.compile(r"[一-龯々〆]+|[ァ-ヶー]+|[A-Za-z0-9][A-Za-z0-9.+-]*")
# Small words that give a language away; those that other languages here write too are of less use and mostly left out.
FUNCTION_WORDS = {
    language: frozenset(words.split())
    for language, words in {
        "de": """der die das und ist ein eine einer eines einem einen nicht mit von den dem des im in auf für zu zur zum
            sich werden wird wurde auch als aus bei beim nach oder über sie es er wie wenn dass durch kann können sind
            vom ihr ihre sein seine diese dieser dieses noch nur aber haben hat man um unter vor zwischen""",
        "en": """the of and is to in that it for with as are this be by on an or from at was were not you your we our
            they their has have can will which when how what if but there some these those its should may using used
            more most other than then into only also any all each such been being does""",
        "es": """el la los las de y es un una que en con por para se del al como no su sus lo más o este esta estos
            estas pero si son ser está puede pueden cuando también entre sobre sin desde hasta ya ha han fue muy e""",
        "fr": """le la les de et est un une que en avec par pour se du au aux des dans qui sur ce cette ces il elle ils
            ne pas plus ou son sa ses leur leurs vous nous être sont peut comme mais si à on lors sans entre afin où""",
    }.items()
}
_one_at_a_time = threading.Lock()  # a stemmer keeps the word it works on in itself


@cache
def stop_words(language: str) -> frozenset[str]:
    """Return the language's stop words, lower case."""
    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


@lru_cache(maxsize=200_000)
def stem(word: str, language: str) -> str:
    """Return the stem of one lower-case word; the word itself where there is no stemmer."""
    if language not in _STEMMERS:
        return word
    with _one_at_a_time:
        return str(_stemmer(language).stemWord(word))


@cache
def _stemmer(language: str) -> EnglishStemmer:
    return _STEMMERS[language]()


def tokens(text: str, language: str) -> list[str]:
    """Return the words of a text in order, lower case, compatibility forms folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    if language not in _UNSPACED:
        return _WORD.findall(folded)
    found: list[str] = []
    for run in _UNSPACED_RUN.findall(folded):
        if run[0].isascii() or len(run) <= 2:
            found.append(run)
        else:
            found.extend(run[i : i + 2] for i in range(len(run) - 1))
    return found


def stems(text: str, language: str) -> list[str]:
    """Return the stems of all words in order."""
    return [stem(word, language) for word in tokens(text, language)]


def content_stems(text: str, language: str) -> list[str]:
    """Return the stems of the words that carry content, in order: no stop words, no lone letters."""
    stops = stop_words(language)
    return [
        stem(word, language)
        for word in tokens(text, language)
        if word not in stops and (len(word) > 1 or language in _UNSPACED)
    ]


def function_words(language: str) -> frozenset[str]:
    """Return the small words that link others: articles, prepositions, conjunctions."""
    return FUNCTION_WORDS.get(language, frozenset())


def count_words(text: str, language: str) -> int:
    """Count words as `Passage.words` does."""
    if language in _UNSPACED:
        return sum(1 for char in text if not char.isspace()) // 2
    return len(text.split())


def containment(part: str, whole: str, language: str) -> float:
    """Return the share of the content words of `part` that `whole` has too (0-1)."""
    wanted = frozenset(content_stems(part, language))
    if not wanted:
        return 0.0
    return len(wanted & frozenset(content_stems(whole, language))) / len(wanted)


__all__ = [
    "FUNCTION_WORDS",
    "containment",
    "content_stems",
    "count_words",
    "function_words",
    "stem",
    "stems",
    "stop_words",
    "tokens",
]
