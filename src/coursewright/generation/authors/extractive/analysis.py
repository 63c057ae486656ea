"""What the knowledge base holds: languages, size, depth, quality, subjects, concepts and gaps."""

import re
from collections import Counter
from collections.abc import Sequence

from coursewright.course.model import Mode
from coursewright.course.plan import Analysis, CourseRequest
from coursewright.documents.passages import Passage
from coursewright.errors import InvalidRequest, TooFewSources
from coursewright.generation.authors.extractive.blocks import in_language
from coursewright.generation.authors.extractive.catalogue import LANGUAGES, Catalogue, catalogue
from coursewright.generation.authors.extractive.concepts import find_concepts
from coursewright.generation.authors.extractive.material import lesson_passages, top_headings
from coursewright.generation.authors.extractive.reading_order import in_reading_order

_ENOUGH_PASSAGES = 40  # FRONTEND: below it a course should be supplemented
_MODERATE_WORDS, _COMPREHENSIVE_WORDS = 2_000, 8_000
_HEADED, _PROSE = 0.8, 0.5  # shares that a good source reaches
_WORDS_A_CONCEPT = 2_000  # a good source defines one term in so many words at least
_SUBJECTS, _GAPS = 12, 5
_GAP_USES = 5
_ACRONYM = re.compile(r"(?<![\w-])[A-Z]{3,6}(?![\w-])")


def refuse_what_needs_a_model(request: CourseRequest) -> None:
    """Raise `InvalidRequest` for options that ask for words which are not in the sources."""
    asked = [
        name
        for name, wanted in (
            ("mode kb_supplemented", request.mode == "kb_supplemented"),
            ("a reading level", request.level is not None),
            ("an audience", bool(request.audience)),
        )
        if wanted
    ]
    if asked:
        raise InvalidRequest(
            f"the built-in author only selects from your documents, so it cannot honour {' and '.join(asked)}",
            hint="leave the option out, or let a model write: --author llm",
        )


def target_language(passages: Sequence[Passage], request: CourseRequest) -> str:
    """Return the language of the course: the one asked for, if the sources have it, else their main one."""
    counted = _words_by_language(passages)
    if request.language:
        catalogue(request.language)
        if counted and request.language not in counted and set(counted) != {""}:
            raise InvalidRequest(
                f"the sources hold nothing in '{request.language}' (they are in {', '.join(counted)})",
                hint="the built-in author does not translate; a model can: --author llm",
            )
        return request.language
    told = [language for language in counted if language]
    return told[0] if told else "en"


def analyse(passages: Sequence[Passage], request: CourseRequest) -> Analysis:
    """Return what the passages hold; raise `InvalidRequest` where the request needs a model."""
    refuse_what_needs_a_model(request)
    if not passages:
        raise TooFewSources("there is no passage to make a course from", hint="add documents with text in them")
    language = target_language(passages, request)
    words = catalogue(language)
    own = [passage for passage in passages if in_language(passage, language)]
    concepts = find_concepts(own, words)
    total = sum(passage.words for passage in own)
    depth = _depth(total)
    quality = _quality(own, total, len(concepts))
    return Analysis(
        language=language,
        languages={name or "und": count for name, count in _words_by_language(passages).items()},
        documents=len({passage.document for passage in passages}),
        passages=len(passages),
        words=sum(passage.words for passage in passages),
        depth=depth,
        quality=quality,
        subjects=top_headings(lesson_passages(in_reading_order(own, words), words)[0], words)[:_SUBJECTS],
        concepts=concepts,
        gaps=_gaps(own, {concept.term for concept in concepts}, words),
        recommended_mode=_recommended(depth, quality, len(passages)),
    )


def _words_by_language(passages: Sequence[Passage]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for passage in passages:
        counts[passage.language] += passage.words
    # A language that the author knows comes first among equals; then the name decides.
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] not in LANGUAGES, item[0])))


def _depth(words: int) -> str:
    if words >= _COMPREHENSIVE_WORDS:
        return "comprehensive"
    return "moderate" if words >= _MODERATE_WORDS else "minimal"


def _quality(passages: Sequence[Passage], words: int, concepts: int) -> str:
    headed = sum(1 for passage in passages if passage.heading_path) >= _HEADED * len(passages)
    prose = sum(
        len(passage.text[span.start : span.end].split())
        for passage in passages
        for span in passage.spans
        if span.kind in ("paragraph", "list", "note")
    )
    written = prose >= _PROSE * sum(len(passage.text.split()) for passage in passages)
    defined = concepts * _WORDS_A_CONCEPT >= words
    return ("low", "low", "medium", "high")[headed + written + defined]


def _recommended(depth: str, quality: str, passages: int) -> Mode:
    if passages >= _ENOUGH_PASSAGES and depth == "comprehensive" and quality == "high":
        return "kb_only"
    if passages >= _ENOUGH_PASSAGES and depth != "minimal" and quality != "low":
        return "kb_priority"
    return "kb_supplemented"


def _gaps(passages: Sequence[Passage], explained: set[str], words: Catalogue) -> tuple[str, ...]:
    """Name the acronyms that are used and never written out."""
    uses: Counter[str] = Counter()
    for passage in passages:
        for span in passage.spans:
            if span.kind in ("paragraph", "list"):
                uses.update(_ACRONYM.findall(passage.text[span.start : span.end]))
    ordered = sorted(uses.items(), key=lambda item: (-item[1], item[0]))
    missing = [(term, count) for term, count in ordered if count >= _GAP_USES and term not in explained]
    return tuple(words.say("notes", "gap", term=term, count=count) for term, count in missing[:_GAPS])


__all__ = ["analyse", "refuse_what_needs_a_model", "target_language"]
