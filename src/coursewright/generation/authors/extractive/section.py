"""A section: whole blocks of its sources in their order, the most telling ones where there are too many."""

import re
from collections.abc import Sequence

from coursewright.course.ids import derive_id
from coursewright.course.model import Block, Citation, KeyConcept, Section
from coursewright.course.plan import SectionPlan
from coursewright.documents.passages import Passage
from coursewright.errors import TooFewSources
from coursewright.generation.authors.extractive.blocks import SourceBlock, blocks, cite
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.rank import by_relevance, cosine, lexrank, vectors
from coursewright.generation.authors.extractive.sentences import is_speakable, is_standalone, sentences
from coursewright.generation.authors.extractive.words import content_stems, count_words

_MOST_WORDS = 600
_MOST_RANKED = 150  # blocks that LexRank compares; longer material is first thinned by likeness to the whole
_KEY_CONCEPTS = 6
_POINTER_WORDS = 14  # a paragraph that short and only pointing elsewhere teaches nothing
_LEADS_IN = (":", "：")
_POINTER = re.compile(r"^\W*(?:see|siehe|voir|véase|ver|cf\.?|→)\b", re.I)


def make_section(plan: SectionPlan, passages: Sequence[Passage], words: Catalogue) -> Section:
    """Return the section of a plan; raise `TooFewSources` when its passages hold no text in the language."""
    by_id = {passage.id: passage for passage in passages}
    pinned = [by_id[passage_id] for passage_id in plan.passage_ids if passage_id in by_id] or list(passages)
    groups = _groups([block for passage in pinned for block in blocks(passage, words.language)], words)
    if not groups:
        raise TooFewSources(
            f"the passages of the section '{plan.title}' hold no text in '{words.language}'",
            hint="make the outline again from the documents as they are now",
        )
    kept = [block for group in _select(groups, words) for block in group]
    return Section(
        id=plan.id,
        title=plan.title,
        blocks=tuple(
            Block(
                id=derive_id("b-", plan.id, block.passage.id, block.start, block.text),
                kind=block.kind,
                text=block.text,
                citations=(cite(block, words.language),),
            )
            for block in kept
        ),
        key_concepts=tuple(
            KeyConcept(
                term=concept.term,
                explanation=concept.definition,
                citations=(Citation(passage_id=concept.passage_id, quote=concept.definition),),
            )
            for concept in plan.concepts[:_KEY_CONCEPTS]
        ),
        summary=_summary(kept, words),
    )


def _groups(found: Sequence[SourceBlock], words: Catalogue) -> list[list[SourceBlock]]:
    """Join a lead-in that ends in a colon with what it leads to; leave out what only points elsewhere."""
    groups: list[list[SourceBlock]] = []
    open_group = False
    for block in found:
        text = block.text
        size = count_words(text, words.language)
        if block.kind == "paragraph" and (
            (_POINTER.match(text) and size <= _POINTER_WORDS) or not any(char.isalnum() for char in text)
        ):
            continue
        same = bool(groups) and groups[-1][-1].passage.id == block.passage.id
        if open_group and same:
            groups[-1].append(block)
        else:
            groups.append([block])
        open_group = block.kind in ("paragraph", "note") and text.endswith(_LEADS_IN)
    if len(groups) > 1:
        # A lead-in whose list is gone (a picture, another page) leads nowhere.
        groups = [
            group
            for group in groups
            if len(group) > 1 or not (group[0].kind == "paragraph" and group[0].text.endswith(_LEADS_IN))
        ] or groups
    return groups


def _select(groups: list[list[SourceBlock]], words: Catalogue) -> list[list[SourceBlock]]:
    """Keep the groups that say most within the length of a section, in the order of the sources."""
    sizes = [sum(count_words(block.text, words.language) for block in group) for group in groups]
    texts = vectors([[s for block in group for s in content_stems(block.text, words.language)] for group in groups])
    if len(groups) > _MOST_RANKED:
        whole = vectors(
            [[s for group in groups for block in group for s in content_stems(block.text, words.language)]]
        )[0]
        likeness = [cosine(text, whole) for text in texts]
        best = sorted(range(len(groups)), key=lambda i: (-likeness[i], i))[:_MOST_RANKED]
        chosen = sorted(best)
        groups, sizes, texts = [groups[i] for i in chosen], [sizes[i] for i in chosen], [texts[i] for i in chosen]
    order = by_relevance(texts, lexrank(texts))
    kept: list[int] = []
    total = 0
    for i in order:
        if total + sizes[i] <= _MOST_WORDS or not kept:
            kept.append(i)
            total += sizes[i]
    return [groups[i] for i in sorted(kept)]


def _summary(kept: Sequence[SourceBlock], words: Catalogue) -> str:
    """Return the one sentence that stands alone and says most, or "" when none does."""
    best = best_sentences(kept, words, 1)
    return best[0] if best else ""


def best_sentences(kept: Sequence[SourceBlock], words: Catalogue, number: int) -> list[str]:
    """Return up to `number` sentences that stand alone and can be read aloud, in the order of the sources."""
    found: list[str] = []
    for block in kept:
        if block.kind == "paragraph":
            text = block.text
            spans = sentences(text, words.language)
            found += [text[start:end] for start, end in spans]
    alone = list(
        dict.fromkeys(one for one in found if is_standalone(one, words) and is_speakable(one) and "\n" not in one)
    )
    alone = alone[:_MOST_RANKED]
    texts = vectors([content_stems(one, words.language) for one in alone])
    return [alone[i] for i in sorted(by_relevance(texts, lexrank(texts))[:number])]


__all__ = ["best_sentences", "make_section"]
