"""Reads the section that a model wrote: sanitised, grounded, cited, in the right language; or says what to mend."""

from collections.abc import Sequence

from coursewright.course.ids import derive_id
from coursewright.course.model import Block, KeyConcept, Mode, Section
from coursewright.course.plan import SectionPlan
from coursewright.course.quality.citations import FROM_SOURCES, cited_sentences
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.grounding import CARRIED, Grounded, Grounding
from coursewright.generation.authors.llm.plain import other_language, plain
from coursewright.generation.authors.llm.sources import Shown
from coursewright.generation.authors.llm.wire import WireBlock, WireSection

_KEY_CONCEPTS, _EXAMPLES = 4, 2


def read_section(wire: WireSection, plan: SectionPlan, shown: Shown, mode: Mode, language: str) -> Section | Unusable:
    """Return the section, or what the model must mend."""
    grounding = Grounding(shown, language)
    problems: list[str] = []
    blocks: list[Block] = []
    for number, one in enumerate(wire.blocks, 1):
        block, grounded = grounding.block(derive_id("b-", plan.id, number, one.text), one)
        if grounded.problem:
            problems.append(f"block {number}: {grounded.problem}. Say what the passages say, or leave it out.")
        elif block is not None and not block.citations and mode == "kb_only":
            problems.append(f"block {number} cites no passage.")
        elif block is not None:
            blocks.append(block)
    if not blocks and not problems:
        problems.append("the section has no text.")
    # What a section can do without is left out when it does not hold: a repair for it alone would not be worth its
    # price. In a repair for something else it is told along.
    left_out: list[str] = []
    summary = plain(wire.summary)
    if summary and mode == "kb_only" and (missing := grounding.missing(summary, CARRIED)):
        left_out.append(f"summary: {missing}.")
        summary = ""
    section = Section(
        id=plan.id,
        title=plan.title,
        blocks=tuple(blocks),
        key_concepts=_key_concepts(wire, grounding, mode, left_out),
        examples=_examples(wire.examples, plan.id, grounding, left_out),
        summary=summary,
    )
    carried, all_ = cited_sentences(section, language)
    if mode == "kb_priority" and carried < FROM_SOURCES * all_:
        problems.append(f"only {carried} of {all_} sentences come from the passages; four of five must.")
    texts = [block.text for block in blocks if block.kind != "code"]
    if stray := other_language("\n".join(texts), language):
        problems.append(f"the text is in '{stray}'; the course is in '{language}'.")
    if len({text.casefold() for text in texts}) < len(texts):
        problems.append("two blocks are the same.")
    return Unusable((*problems, *left_out)) if problems else section


def _key_concepts(wire: WireSection, grounding: Grounding, mode: Mode, left_out: list[str]) -> tuple[KeyConcept, ...]:
    found: dict[str, KeyConcept] = {}
    for one in wire.key_concepts:
        term, text = plain(one.term), plain(one.definition)
        addition = mode != "kb_only" and not one.sources
        grounded = Grounded(()) if addition else grounding.ground(text, one.sources)
        if grounded.problem:
            left_out.append(f"key concept “{term}”: {grounded.problem}.")
        elif term and text:
            found.setdefault(term.casefold(), KeyConcept(term=term, explanation=text, citations=grounded.citations))
    return tuple(found.values())[:_KEY_CONCEPTS]


def _examples(
    wires: Sequence[WireBlock], section_id: str, grounding: Grounding, left_out: list[str]
) -> tuple[Block, ...]:
    found: list[Block] = []
    for number, one in enumerate(wires, 1):
        block, grounded = grounding.block(derive_id("b-", section_id, "example", number, one.text), one)
        if grounded.problem:
            left_out.append(f"example {number}: {grounded.problem}.")
        elif block is not None and block.citations:
            found.append(block)
    return tuple(found)[:_EXAMPLES]


__all__ = ["read_section"]
