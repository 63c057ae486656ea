"""Reads the section that a model wrote: sanitised, grounded, cited, in the right language; or says what to mend."""

from collections.abc import Sequence

from coursewright.course.ids import derive_id
from coursewright.course.model import Block, KeyConcept, Mode, Section
from coursewright.course.plan import SectionPlan
from coursewright.generation.authors.llm.asking import Unusable
from coursewright.generation.authors.llm.grounding import Grounding
from coursewright.generation.authors.llm.plain import other_language, plain
from coursewright.generation.authors.llm.sources import Shown
from coursewright.generation.authors.llm.wire import WireBlock, WireSection

_FROM_SOURCES = 0.8  # of the blocks' sentences in the mode kb_priority
_KEY_CONCEPTS, _EXAMPLES = 4, 2


def read_section(wire: WireSection, plan: SectionPlan, shown: Shown, mode: Mode, language: str) -> Section | Unusable:
    """Return the section, or what the model must mend."""
    grounding = Grounding(shown, language)
    problems: list[str] = []
    blocks: list[Block] = []
    carried = added = 0
    for number, one in enumerate(wire.blocks, 1):
        block, grounded = grounding.block(derive_id("b-", plan.id, number, one.text), one)
        if grounded.problem:
            problems.append(f"block {number}: {grounded.problem}. Say what the passages say, or leave it out.")
        elif block is not None and not block.citations and mode == "kb_only":
            problems.append(f"block {number} cites no passage.")
        elif block is not None:
            blocks.append(block)
            if block.citations:
                carried += grounded.sentences
            else:
                added += grounded.sentences
    if not blocks and not problems:
        problems.append("the section has no text.")
    if mode == "kb_priority" and carried < _FROM_SOURCES * (carried + added):
        problems.append(f"only {carried} of {carried + added} sentences come from the passages; four of five must.")
    texts = [block.text for block in blocks if block.kind != "code"]
    if stray := other_language("\n".join(texts), language):
        problems.append(f"the text is in '{stray}'; the course is in '{language}'.")
    if len({text.casefold() for text in texts}) < len(texts):
        problems.append("two blocks are the same.")
    if problems:
        return Unusable(tuple(problems))
    summary = plain(wire.summary)
    return Section(
        id=plan.id,
        title=plan.title,
        blocks=tuple(blocks),
        key_concepts=_key_concepts(wire, grounding),
        examples=_examples(wire.examples, plan.id, grounding),
        summary="" if grounding.ground(summary, ()).problem else summary,
    )


# What a section can do without is left out when it does not hold: a repair for it alone would not be worth its price.


def _key_concepts(wire: WireSection, grounding: Grounding) -> tuple[KeyConcept, ...]:
    found: dict[str, KeyConcept] = {}
    for one in wire.key_concepts:
        term, text = plain(one.term), plain(one.definition)
        grounded = grounding.ground(text, one.sources)
        if term and text and not grounded.problem:
            found.setdefault(term.casefold(), KeyConcept(term=term, explanation=text, citations=grounded.citations))
    return tuple(found.values())[:_KEY_CONCEPTS]


def _examples(wires: Sequence[WireBlock], section_id: str, grounding: Grounding) -> tuple[Block, ...]:
    made = (
        grounding.block(derive_id("b-", section_id, "example", n, one.text), one)[0]
        for n, one in enumerate(wires, 1)
        if one.sources
    )
    return tuple(block for block in made if block is not None)[:_EXAMPLES]


__all__ = ["read_section"]
