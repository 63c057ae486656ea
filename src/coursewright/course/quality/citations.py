"""Measures 1-4: do the cited passages carry what the course says, and does the course use its sources?

The definitions of recall and precision are those of ALCE (Gao et al. 2023); support is overlap (`support.py`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from coursewright.course import walk
from coursewright.course.model import Block, Citation, Course, Section
from coursewright.course.quality import words
from coursewright.course.quality.report import Flag, Measure
from coursewright.course.quality.support import Support

FROM_SOURCES = 0.8  # of the sentences, in the mode kb_priority


@dataclass(frozen=True, slots=True)
class KnowledgeSection:
    """A section of the knowledge base: what stands under one heading of one document."""

    document: str
    heading_path: tuple[str, ...]
    passage_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Claim:
    where: str
    sentences: tuple[str, ...]
    citations: tuple[Citation, ...]


def _claims(course: Course) -> Iterator[_Claim]:
    for where, block in walk.blocks(course):
        yield _Claim(where, _sentences(block, course.language), block.citations)
    for where, concept in walk.concepts(course):
        yield _Claim(where, (concept.explanation,), concept.citations)


def _sentences(block: Block, language: str) -> tuple[str, ...]:
    whole = block.kind in {"code", "table", "figure"}
    return (block.text,) if whole else tuple(words.sentences(block.text, language))


def cited_sentences(section: Section, language: str) -> tuple[int, int]:
    """Count the sentences of blocks, examples and key concepts that cite a passage, and all of them."""
    counted = [
        *((len(_sentences(one, language)), one.citations) for one in (*section.blocks, *section.examples)),
        *((1, one.citations) for one in section.key_concepts),
    ]
    return sum(count for count, citations in counted if citations), sum(count for count, _ in counted)


def overlap(course: Course) -> tuple[Measure, Measure]:
    """Measure citation recall (sentences that are carried) and precision (citations that carry and are needed).

    What cites another language than the course's is not measured: its words do not overlap.
    """
    texts = {source.passage_id: " ".join((*source.heading_path, source.text)) for source in course.sources}
    foreign = {source.passage_id for source in course.sources if source.language not in ("", course.language)}
    judge = Support(texts, course.language)
    recall_flags: list[Flag] = []
    precision_flags: list[Flag] = []
    sentences = supported = cited = precise = 0
    for claim in _claims(course):
        if not claim.citations:
            continue  # counted as uncited, not as badly cited
        ids = list(dict.fromkeys(citation.passage_id for citation in claim.citations))
        if not foreign.isdisjoint(ids):
            continue
        sentences += len(claim.sentences)
        for sentence in claim.sentences:
            if judge.supports(sentence, ids):
                supported += 1
            else:
                recall_flags.append(Flag(where=claim.where, what=words.excerpt(sentence), why=_LOOSE))
        for id_ in ids:
            cited += 1
            others = [other for other in ids if other != id_]
            carries = any(judge.supports(sentence, [id_]) for sentence in claim.sentences)
            needed = any(
                judge.supports(sentence, ids) and not judge.supports(sentence, others) for sentence in claim.sentences
            )
            if carries or needed:
                precise += 1
            else:
                precision_flags.append(Flag(where=claim.where, what=id_, why="No sentence here rests on this passage."))
    recall, precision = words.share(supported, sentences), words.share(precise, cited)
    return (
        Measure(
            name="citation_recall", title="Sentences that their cited passages carry (overlap)", value=recall,
            aim="at least 0.95", passed=None if recall is None else recall >= 0.95,
            figures={"sentences": sentences, "supported": supported}, flags=tuple(recall_flags),
        ),
        Measure(
            name="citation_precision", title="Citations that carry what they stand beside (overlap)", value=precision,
            aim="at least 0.95", passed=None if precision is None else precision >= 0.95,
            figures={"citations": cited, "precise": precise}, flags=tuple(precision_flags),
        ),
    )  # fmt: skip


_LOOSE = "The cited passages hold too few of its words, or not its numbers or names: compare it with them."


def validity(course: Course, pins: Mapping[str, Collection[str]]) -> Measure:
    """Measure the citations whose passage exists, was given to the author (`pins`), and holds the quote verbatim."""
    texts = {source.passage_id: source.text for source in course.sources}
    flags: list[Flag] = []
    total = 0
    for where, citation in walk.citations(course):
        total += 1
        why = ""
        if citation.passage_id not in texts:
            why = "The passage is not among the sources."
        elif citation.quote not in texts[citation.passage_id]:
            why = "The quote is not in the passage word for word."
        elif citation.passage_id not in pins.get(where.split("/")[-2], texts):  # section, lesson, module or exam
            why = "The passage was not given to the author of this part."
        if why:
            flags.append(Flag(where=where, what=words.excerpt(citation.quote), why=why))
    value = words.share(total - len(flags), total)
    return Measure(
        name="citation_validity", title="Citations that are exact", value=value, aim="1.0",
        passed=None if value is None else value == 1, figures={"citations": total}, flags=tuple(flags),
    )  # fmt: skip


def uncited(course: Course) -> Measure:
    """Measure the blocks and key concepts that cite nothing."""
    flags: list[Flag] = []
    total = 0
    for where, block in walk.blocks(course):
        total += 1
        if not block.citations:
            flags.append(Flag(where=where, what=words.excerpt(block.text), why="It cites no passage."))
    for where, concept in walk.concepts(course):
        total += 1
        if not concept.citations:
            flags.append(Flag(where=where, what=concept.term, why="The key concept cites no passage."))
    value = words.share(len(flags), total)
    strict = course.mode == "kb_only"
    return Measure(
        name="uncited", title="Blocks and key concepts without a citation", value=value,
        aim="at most 0.05" if strict else "each is listed here",
        passed=None if value is None or not strict else value <= 0.05,
        figures={"blocks": total, "uncited": len(flags)}, flags=tuple(flags),
    )  # fmt: skip


def from_sources(course: Course) -> Measure:
    """Measure what the mode `kb_priority` promises: the sentences that cite a passage."""
    counts = [cited_sentences(placed.section, course.language) for placed in walk.sections(course)]
    cited, total = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    value = words.share(cited, total)
    return Measure(
        name="from_sources", title="Sentences that cite a passage", value=value, aim=f"at least {FROM_SOURCES}",
        passed=None if value is None else value >= FROM_SOURCES, figures={"sentences": total, "cited": cited},
    )  # fmt: skip


def coverage(course: Course, sections: Sequence[KnowledgeSection]) -> Measure:
    """Measure the sections of the knowledge base that the course cites at least once."""
    used = {citation.passage_id for _, citation in walk.citations(course)}
    flags = tuple(
        Flag(
            where=section.document, what=" › ".join(section.heading_path) or section.document, why="No lesson uses it."
        )
        for section in sections
        if used.isdisjoint(section.passage_ids)
    )
    return Measure(
        name="source_coverage", title="Sections of the knowledge base that the course cites",
        value=words.share(len(sections) - len(flags), len(sections)), aim="none: read what is left out", passed=None,
        figures={"sections": len(sections), "cited": len(sections) - len(flags)}, flags=flags,
    )  # fmt: skip


__all__ = [
    "FROM_SOURCES", "KnowledgeSection", "cited_sentences", "coverage", "from_sources", "overlap", "uncited", "validity",
]  # fmt: skip
