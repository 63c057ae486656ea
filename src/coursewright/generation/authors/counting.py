"""What can be counted about a knowledge base whoever writes the course: languages, size, depth, quality."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from coursewright.course.model import Mode
from coursewright.course.plan import Analysis, Concept
from coursewright.documents.passages import Passage

_ENOUGH_PASSAGES = 40  # below it a course should be supplemented
_MODERATE_WORDS, _COMPREHENSIVE_WORDS = 2_000, 8_000
_HEADED, _PROSE = 0.8, 0.5  # shares that a good source reaches
_WORDS_A_CONCEPT = 2_000  # a good source defines one term in so many words at least

Depth = Literal["minimal", "moderate", "comprehensive"]
SourceQuality = Literal["low", "medium", "high"]


def count_up(passages: Sequence[Passage], language: str, concepts: Sequence[Concept] = ()) -> Analysis:
    """Return the analysis as far as it can be counted, for a course in `language` with these concepts."""
    own = [passage for passage in passages if passage.language in ("", language)] or list(passages)
    words = sum(passage.words for passage in own)
    depth = _depth(words)
    quality = _quality(own, words, len(concepts))
    return Analysis(
        language=language,
        languages={name or "und": count for name, count in words_by_language(passages).items()},
        documents=len({passage.document for passage in passages}),
        passages=len(passages),
        words=sum(passage.words for passage in passages),
        depth=depth,
        quality=quality,
        concepts=tuple(concepts),
        recommended_mode=_recommended(depth, quality, len(passages)),
    )


def words_by_language(passages: Sequence[Passage]) -> dict[str, int]:
    """Return the words of each language, the largest first; "" holds what could not be told."""
    counts: Counter[str] = Counter()
    for passage in passages:
        counts[passage.language] += passage.words
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] == "", item[0])))


def main_language(passages: Sequence[Passage]) -> str:
    """Return the language that most words are in; where none can be told, English."""
    return next((language for language in words_by_language(passages) if language), "en")


def _depth(words: int) -> Depth:
    if words >= _COMPREHENSIVE_WORDS:
        return "comprehensive"
    return "moderate" if words >= _MODERATE_WORDS else "minimal"


def _quality(passages: Sequence[Passage], words: int, concepts: int) -> SourceQuality:
    headed = sum(1 for passage in passages if passage.heading_path) >= _HEADED * len(passages)
    prose = sum(
        len(passage.text[span.start : span.end].split())
        for passage in passages
        for span in passage.spans
        if span.kind in ("paragraph", "list", "note")
    )
    written = prose >= _PROSE * sum(len(passage.text.split()) for passage in passages)
    defined = concepts * _WORDS_A_CONCEPT >= words
    steps: tuple[SourceQuality, ...] = ("low", "low", "medium", "high")
    return steps[headed + written + defined]


def _recommended(depth: Depth, quality: SourceQuality, passages: int) -> Mode:
    """Return what pages recommend by the same rule: docs/reference/front-end.md."""
    if passages >= _ENOUGH_PASSAGES and depth == "comprehensive" and quality == "high":
        return "kb_only"
    if passages >= _ENOUGH_PASSAGES and depth == "moderate" and quality != "low":
        return "kb_priority"
    return "kb_supplemented"


__all__ = ["count_up", "main_language", "words_by_language"]
