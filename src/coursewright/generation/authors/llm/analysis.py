"""Reads the analysis of the knowledge base: what a model found in one part of it, and all parts put together."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from coursewright.course.plan import Analysis, Concept
from coursewright.course.quality import words
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.plain import plain
from coursewright.generation.authors.llm.sources import Shown, cite
from coursewright.generation.authors.llm.wire import WireAnalysis, WireConcept
from coursewright.llm.tokens import at_most_tokens

_SUBJECTS, _GAPS, _CONCEPTS = 12, 8, 60
_SHORT = 160  # characters of a subject or a gap, where parts are merged
_BETWEEN = 1  # token
_MOST_STRANGE = 0.5  # share of concepts whose sources may not exist before the whole answer is sent back


def read_analysis(wire: WireAnalysis, shown: Shown, language: str, counted: Analysis) -> Analysis | Unusable:
    """Return what the model found in `shown`, beside what was counted; a concept without a passage is left out."""
    concepts = [concept for one in wire.concepts if (concept := _concept(one, shown, language))]
    if not wire.subjects:
        return Unusable(("it names no subject.",))
    if wire.concepts and len(concepts) < (1 - _MOST_STRANGE) * len(wire.concepts):
        return Unusable(("most concepts cite passages that were not shown.",))
    return counted.model_copy(
        update={
            "subjects": _unique(wire.subjects)[:_SUBJECTS],
            "concepts": tuple(concepts)[:_CONCEPTS],
            "gaps": _unique(wire.gaps)[:_GAPS],
        }
    )


def read_merged(wire: WireAnalysis, found: Sequence[Analysis]) -> Analysis | Unusable:
    """Return one analysis of all parts; subjects and gaps are merged by the model, concepts here: each part in turn."""
    if not wire.subjects:
        return Unusable(("it names no subject.",))
    concepts: dict[str, Concept] = {}
    for each in zip_longest(*(part.concepts for part in found)):
        for concept in filter(None, each):
            concepts.setdefault(concept.term.casefold(), concept)
    return found[0].model_copy(
        update={
            "subjects": _unique(wire.subjects)[:_SUBJECTS],
            "concepts": tuple(concepts.values())[:_CONCEPTS],
            "gaps": _unique(wire.gaps)[:_GAPS],
        }
    )


def describe(found: Sequence[Analysis]) -> str:
    """Return the parts for the prompt that merges them."""
    return "\n\n".join(
        f"Part {number}\n- subjects: {_listed(part.subjects)}\n- gaps: {_listed(part.gaps) or 'none'}"
        for number, part in enumerate(found, 1)
    )


def group(found: Sequence[Analysis], most_tokens: int) -> list[list[Analysis]]:
    """Cut parts into runs that fit into the prompt that merges them; of two at least, or there would be no end."""
    groups: list[list[Analysis]] = []
    left = 0
    for part in found:
        left -= at_most_tokens(describe([part])) + _BETWEEN
        if not groups or (left < 0 and len(groups[-1]) > 1):
            groups.append([])
            left = most_tokens - at_most_tokens(describe([part])) - _BETWEEN
        groups[-1].append(part)
    return groups


def _listed(texts: Sequence[str]) -> str:
    return "; ".join(words.excerpt(text, _SHORT) for text in texts)


def _concept(one: WireConcept, shown: Shown, language: str) -> Concept | None:
    passages, _ = shown.find(one.sources)
    term, definition = plain(one.term), plain(one.definition)
    if not (passages and term and definition):
        return None
    quote = cite(f"{term} {definition}", passages[:1], language)[0].quote  # the source's own words, not the model's
    return Concept(term=term, definition=quote, passage_id=passages[0].id, kind="model")


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in map(plain, texts) if text))


__all__ = ["describe", "group", "read_analysis", "read_merged"]
