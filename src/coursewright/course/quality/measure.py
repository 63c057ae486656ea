"""Puts the measures together into one report."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from coursewright.course import walk
from coursewright.course.model import Course
from coursewright.course.plan import Level
from coursewright.course.quality import citations, items, texts, words
from coursewright.course.quality.citations import KnowledgeSection
from coursewright.course.quality.report import Flag, LanguageShare, LeftOut, Measure, Quality, ReadingWarning


def measure(
    course: Course,
    *,
    kb_sections: Sequence[KnowledgeSection] = (),
    pins: Mapping[str, Collection[str]] | None = None,
    shortfalls: Sequence[str] = (),
    gaps: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
    warnings: Sequence[ReadingWarning] = (),
    level: Level | None = None,
    unasked: bool = False,
    substituted: Sequence[Flag] | None = None,
) -> Quality:
    """Return the quality report of a course: a function of its arguments alone.

    `pins` names, by the id of a section, of a lesson or module (its questions) or `exam`, the passages that the author
    of that part was given. `unasked` says that lessons were to have no questions. `substituted` names the parts that
    the built-in author wrote because the model's replies were not usable; None when no model was asked.
    """
    measures = (
        *citations.overlap(course),
        citations.validity(course, pins or {}),
        citations.uncited(course),
        *([citations.from_sources(course)] if course.mode == "kb_priority" else []),
        citations.coverage(course, kb_sections),
        items.item_flaws(course),
        items.length_tell(course),
        items.key_positions(course),
        items.duplicates(course),
        *texts.redundancy(course),
        texts.readability(course, level),
        texts.alignment(course, unasked=unasked),
        texts.language(course),
        *([] if substituted is None else [_substituted(substituted)]),
    )
    return Quality(
        course=course.title,
        language=course.language,
        passed=all(each.passed is not False for each in measures),
        flagged=sum(len(each.flags) for each in measures),
        measures=measures,
        shortfalls=tuple(shortfalls),
        gaps=tuple(gaps),
        left_out=tuple(left_out),
        warnings=tuple(warnings),
        languages=_languages(course),
    )


def _substituted(parts: Sequence[Flag]) -> Measure:
    return Measure(
        name="substituted", title="Parts that the built-in author wrote in the model's place", value=len(parts),
        aim="0", passed=not parts, flags=tuple(parts),
    )  # fmt: skip


def _languages(course: Course) -> tuple[LanguageShare, ...]:
    used = {citation.passage_id for _, citation in walk.citations(course)}
    passages = Counter(source.language for source in course.sources)
    cited = Counter(source.language for source in course.sources if source.passage_id in used)
    return tuple(
        LanguageShare(
            language=language,
            passages=passages[language],
            cited=cited[language],
            words=words.count(source.text for source in course.sources if source.language == language),
        )
        for language in sorted(passages)
    )


__all__ = ["measure"]
