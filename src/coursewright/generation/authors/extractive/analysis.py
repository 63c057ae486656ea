"""What the knowledge base holds: language, subjects, concepts and gaps."""

import re
from collections import Counter
from collections.abc import Sequence

from coursewright.course.plan import Analysis, CourseRequest
from coursewright.documents.passages import Passage
from coursewright.errors import InvalidRequest, TooFewSources
from coursewright.generation.authors.counting import count_up, words_by_language
from coursewright.generation.authors.extractive.blocks import in_language
from coursewright.generation.authors.extractive.catalogue import LANGUAGES, Catalogue, catalogue, named
from coursewright.generation.authors.extractive.concepts import find_concepts
from coursewright.generation.authors.extractive.material import lesson_passages, top_headings
from coursewright.generation.authors.extractive.reading_order import in_reading_order

_SUBJECTS, _GAPS = 12, 5
_GAP_USES = 5
_WORTH_IT = 20  # a language with a smaller part of the sources than 1 in so many is not worth a course
_ACRONYM = re.compile(r"(?<![\w-])[A-Z]{3,6}(?![\w-])")


def refuse_what_needs_a_model(request: CourseRequest) -> None:
    """Raise `InvalidRequest` for options that ask for words which are not in the sources."""
    asked = request.of_model()
    if asked:
        raise InvalidRequest(
            f"the built-in author only selects from your documents, so it cannot honour {' and '.join(asked)}",
            hint="leave the option out, or let a model write: --author llm",
        )


def target_language(passages: Sequence[Passage], request: CourseRequest) -> str:
    """Return the language of the course: the one asked for, if the sources have it, else their main one."""
    counted = words_by_language(passages)
    if request.language:
        catalogue(request.language)
        if counted and request.language not in counted and set(counted) != {""}:
            raise InvalidRequest(
                f"the sources hold nothing in {named(request.language)}; they are in "
                + ", ".join(named(name) for name in counted if name),
                hint="the built-in author does not translate; a model can: --author llm",
            )
        return request.language
    told = [language for language in counted if language]
    if told and told[0] not in LANGUAGES:
        raise InvalidRequest(
            f"the sources are in {named(told[0])}, in which the built-in author does not write",
            hint=_other_ways(counted),
        )
    return told[0] if told else "en"


def _other_ways(counted: dict[str, int]) -> str:
    """Say what to do with sources in a language that the author does not know."""
    total = sum(counted.values())
    ways = [
        f"--language {name} takes the {100 * words // total} % of the words that are in {named(name)}"
        for name, words in counted.items()
        if name in LANGUAGES and words * _WORTH_IT >= total
    ]
    return "; ".join(["a model can write in it: --author llm", *ways])


def analyse(passages: Sequence[Passage], request: CourseRequest) -> Analysis:
    """Return what the passages hold; raise `InvalidRequest` where the request needs a model."""
    refuse_what_needs_a_model(request)
    if not passages:
        raise TooFewSources("there is no passage to make a course from", hint="add documents with text in them")
    language = target_language(passages, request)
    words = catalogue(language)
    own = [passage for passage in passages if in_language(passage, language)]
    concepts = find_concepts(own, words)
    return count_up(passages, language, concepts).model_copy(
        update={
            "subjects": top_headings(lesson_passages(in_reading_order(own, words), words)[0], words)[:_SUBJECTS],
            "gaps": _gaps(own, {concept.term for concept in concepts}, words),
        }
    )


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
