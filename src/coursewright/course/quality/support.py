"""Do passages support a sentence? Overlap, not entailment.

A sentence is supported when the passages hold most of its content words, weighted by how rare they are in all sources
(IDF), and every one of its numbers and names exactly.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from coursewright.course.quality import words

SUPPORT = 0.7  # share of a sentence's weight that its passages must hold
TOO_FEW = "the passages hold too few of its words"
_HIRAGANA = re.compile(r"[\u3040-\u309f]")


@dataclass(frozen=True, slots=True)
class _Evidence:
    stems: frozenset[str]
    numbers: frozenset[str]
    lower: str


class Support:
    """Judges sentences of one language against passages given as {id: text}."""

    def __init__(self, passages: Mapping[str, str], language: str) -> None:
        self._language = language
        self._evidence = {
            id_: _Evidence(_stems(text, language), frozenset(map(_digits, words.numbers(text))), text.casefold())
            for id_, text in ((id_, _one_width(text)) for id_, text in passages.items())
        }
        seen = Counter(stem for evidence in self._evidence.values() for stem in evidence.stems)
        total = len(self._evidence)
        self._idf = {stem: math.log(1 + total / n) for stem, n in seen.items()}
        self._rare = math.log(1 + max(total, 1))

    def share(self, sentence: str, passage_ids: Collection[str]) -> float:
        """Return the weighted share (0-1) of the sentence's content words that the passages hold; 1 without any."""
        stems = sorted(_stems(_one_width(sentence), self._language))
        weight = sum(self._weight(stem) for stem in stems)
        evidence = self._of(passage_ids)
        held = sum(self._weight(stem) for stem in stems if any(stem in piece.stems for piece in evidence))
        return held / weight if weight else 1.0

    def supports(self, sentence: str, passage_ids: Collection[str]) -> bool:
        """Tell whether the passages support the sentence."""
        return not self.why_not(sentence, passage_ids)

    def why_not(self, sentence: str, passage_ids: Collection[str], *, least: float = SUPPORT) -> str:
        """Say what the passages lack for the sentence, or "" when they support it with `least` of its weight."""
        evidence = self._of(passage_ids)
        if not evidence:
            return "no passage is cited"
        sentence = _one_width(sentence)
        for number in sorted(words.numbers(sentence)):
            if not any(_digits(number) in piece.numbers for piece in evidence):
                return f"the passages do not hold the number {number}"
        for name in sorted(words.names(sentence, self._language)):
            if not any(name in piece.lower for piece in evidence):
                return f"the passages do not hold the name “{name}”"
        if self.share(sentence, passage_ids) < least:
            return TOO_FEW
        return ""

    def _of(self, passage_ids: Collection[str]) -> list[_Evidence]:
        return [self._evidence[id_] for id_ in passage_ids if id_ in self._evidence]

    def _weight(self, stem: str) -> float:
        return self._idf.get(stem, self._rare)


def _stems(text: str, language: str) -> frozenset[str]:
    """Return what a text says. Hiragana are particles and endings in the main, which another wording changes: of a
    Japanese pair with one of them the other character counts.
    """
    stems = (_HIRAGANA.sub("", stem) for stem in words.content(text, language))
    return frozenset(stem for stem in stems if stem)


def _digits(number: str) -> str:
    """Return a number as it compares: `2,5` is `2.5` in another language."""
    return number.replace(",", ".")


def _one_width(text: str) -> str:
    """Return a text with its letters and digits in one form: `８０` is `80`."""
    return unicodedata.normalize("NFKC", text)


__all__ = ["SUPPORT", "TOO_FEW", "Support"]
