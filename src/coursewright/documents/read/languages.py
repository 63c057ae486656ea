"""Which language a text is in. Short texts are not guessed at: a heading of two words tells nothing."""

import re
from collections import Counter
from collections.abc import Iterable

from coursewright.tongues import identifier

# Looking behind keeps the time linear: what the start of a long word does not begin, its middle does not either.
_NOT_PROSE = re.compile(
    r"`[^`]*`|https?://\S+|(?<![\w.+-])[\w.+-]+@[\w.-]+|(?:(?<![^\W\d_])[^\W\d_]+)?[\d_/\\.=<>|-]+\w*"
)
_KANA = re.compile("[\u3040-\u30ff]")
_IDEOGRAPHS = re.compile("[\u3400-\u9fff]")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")  # scripts that do not separate words
_ENOUGH_LETTERS = 60
_ENOUGH_IDEOGRAPHS = 12


def detect(text: str) -> str:
    """Return the ISO 639-1 code of the language of `text`; "" when it is too short or not clear."""
    prose = _NOT_PROSE.sub(" ", text[:1500])
    ideographs = len(_IDEOGRAPHS.findall(prose))
    kana = len(_KANA.findall(prose))
    if ideographs + kana >= _ENOUGH_IDEOGRAPHS and 2 * (ideographs + kana) > sum(map(str.isalpha, prose)):
        return "ja" if kana > 0.05 * (ideographs + kana) else "zh"
    if sum(map(str.isalpha, prose)) < _ENOUGH_LETTERS:
        return ""
    language, confidence = identifier().classify(prose)
    return language if confidence > 0.9 else ""


def likeliest(text: str, among: Iterable[str]) -> str:
    """Return the language of `among` that even a short text is likeliest in; "" when there is none to choose from."""
    candidates = frozenset(among)
    if len(candidates) < 2:
        return next(iter(candidates), "")
    return next((language for language, _ in identifier().rank(text) if language in candidates), "")


def primary(tag: str | None) -> str:
    """Return the ISO 639-1 part of a language tag: `de-AT` and `de_AT` are `de`."""
    match = re.match(r"\s*([A-Za-z]{2})(?:[-_]|\s*$)", tag or "")
    return match[1].lower() if match else ""


def count_words(text: str) -> int:
    """Count words; of scripts that do not separate them two characters are one."""
    return len(text.split()) + len(_DENSE.findall(text)) // 2


def most_common(weighted: Iterable[tuple[str, int]]) -> str:
    """Return the language with the most weight (characters); "" counts for nothing."""
    counts: Counter[str] = Counter()
    for language, weight in weighted:
        if language:
            counts[language] += weight
    return max(sorted(counts), key=lambda language: counts[language]) if counts else ""


__all__ = ["count_words", "detect", "likeliest", "most_common", "primary"]
