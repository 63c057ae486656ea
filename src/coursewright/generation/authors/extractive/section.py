"""A section: whole blocks of its sources in their order, the most telling ones where there are too many."""

import re
from collections.abc import Collection, Mapping, Sequence

from coursewright.course.ids import derive_id
from coursewright.course.model import Block, Citation, KeyConcept, Section
from coursewright.course.plan import Concept, SectionPlan
from coursewright.documents.passages import Passage
from coursewright.errors import TooFewSources
from coursewright.generation.authors.extractive.blocks import SourceBlock, blocks, cite
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.headings import with_headings
from coursewright.generation.authors.extractive.rank import by_relevance, cosine, lexrank, vectors
from coursewright.generation.authors.extractive.sentences import is_speakable, is_standalone, sentence_with, sentences
from coursewright.generation.authors.extractive.titles import is_matter
from coursewright.generation.authors.extractive.words import content_stems, count_words

_MOST_WORDS = 600
_LEAD_WORDS = 150  # an opening up to this long is kept whatever else is
_MOST_RANKED = 150  # blocks that LexRank compares; longer material is first thinned by likeness to the whole
KEY_CONCEPTS = 8
_POINTER_WORDS = 14  # a paragraph that short and only pointing elsewhere teaches nothing
_ANNOUNCING_WORDS = 4  # more than the shortest sentence: an opening of a paragraph up to that only announces it
_LEADS_IN = (":", "：")
_ADDRESS = re.compile(r"://|www\.|\w@\w")
_POINTER = re.compile(r"^\W*(?:see|siehe|voir|véase|ver|cf\.?)\b", re.I)
_ADDRESSES = re.compile(r"^\W*(?:\d{0,3}(?:https?://|www\.|mailto:)\S+(?:\s\W*|$))+$", re.I)
_INSIDE = 0.5  # what a sentence is worth that does not open its paragraph: the first one says what it is about
_ON_TITLE = 2.5  # what a sentence is worth that names a thing from the title


def make_section(plan: SectionPlan, passages: Sequence[Passage], words: Catalogue) -> Section:
    """Return the section of a plan; raise `TooFewSources` when its passages hold no text in the language."""
    by_id = {passage.id: passage for passage in passages}
    pinned = [by_id[passage_id] for passage_id in plan.passage_ids if passage_id in by_id] or list(passages)
    kept = shown_blocks(pinned, plan.concepts, words, plan.repeats) or shown_blocks(pinned, plan.concepts, words)
    if not kept:
        raise TooFewSources(
            f"the passages of the section '{plan.title}' hold no text in '{words.language}'",
            hint="make the outline again from the documents as they are now",
        )
    shown = [(concept, _explanation(concept, by_id, words)) for concept in plan.concepts[:KEY_CONCEPTS]]
    once = {explanation: concept for concept, explanation in reversed(shown) if explanation}  # of several acronyms
    explained = [(concept, explanation) for concept, explanation in shown if once.get(explanation) == concept]
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
            for block in with_headings(kept, pinned, plan.title, words)
        ),
        key_concepts=tuple(
            KeyConcept(
                term=concept.term,
                explanation=explanation,
                citations=(Citation(passage_id=concept.passage_id, quote=explanation),),
            )
            for concept, explanation in explained
        ),
        summary=_summary(kept, plan.title, [explanation for _, explanation in explained], words),
    )


def _explanation(concept: Concept, by_id: Mapping[str, Passage], words: Catalogue) -> str:
    """Return what is shown beside a term: of an acronym the sentence that writes it out, if it stands alone."""
    if concept.kind != "acronym":
        return concept.definition
    passage = by_id.get(concept.passage_id)
    sentence = sentence_with(concept.definition, passage.text, words.language) if passage else ""
    return sentence if sentence and is_standalone(sentence, words) else ""


def shown_blocks(
    passages: Sequence[Passage], concepts: Sequence[Concept], words: Catalogue, repeats: Collection[str] = ()
) -> list[SourceBlock]:
    """Return what a section on these passages shows, in their order; what defines one of its concepts is among it.

    `repeats` are the places (`SourceBlock.place`) of blocks that an earlier lesson showed already.
    """
    defined = [(concept.passage_id, concept.definition) for concept in concepts]
    found = [
        block
        for passage in passages
        for block in blocks(passage, words.language)
        if block.place not in repeats or any(block.passage.id == id_ and text in block.text for id_, text in defined)
    ]
    groups = _groups(found, words)
    wanted = {
        place
        for place, group in enumerate(groups)
        if any(block.passage.id == id_ and text in block.text for block in group for id_, text in defined)
    }
    if groups and sum(count_words(block.text, words.language) for block in groups[0]) <= _LEAD_WORDS:
        wanted.add(0)
    return [block for group in _select(groups, wanted, words) for block in group]


def has_content(passage: Passage, words: Catalogue) -> bool:
    """Tell whether a section can show anything of a passage: own text that does not only point elsewhere."""
    return bool(_groups(list(blocks(passage, words.language)), words))


def _groups(found: Sequence[SourceBlock], words: Catalogue) -> list[list[SourceBlock]]:
    """Join blocks of which one is nothing without the other, and leave out what only points elsewhere.

    A lead-in that ends in a colon stays with what it leads to, a list, table or listing with the text before it, and a
    paragraph that refers back ("However, …") with what it refers to.
    """
    groups: list[list[SourceBlock]] = []
    open_group = False
    for block in found:
        text = block.text
        size = count_words(text, words.language)
        if block.kind in ("paragraph", "note") and (
            (size <= _POINTER_WORDS and _POINTER.match(text))
            or _ADDRESSES.match(text)
            or not any(char.isalnum() for char in text)
            or is_matter(text, words)
        ):
            continue
        same = bool(groups) and groups[-1][-1].passage.id == block.passage.id
        hangs_on = block.kind not in ("paragraph", "note") or bool(words.refers_opener.match(text))
        if same and (open_group or hangs_on):
            groups[-1].append(block)
        else:
            groups.append([block])
        open_group = block.kind in ("paragraph", "note") and text.endswith(_LEADS_IN)
    if len(groups) > 2 and words.refers_opener.match(groups[0][0].text):
        groups = groups[1:]  # what it refers to is not here
    if len(groups) > 1:
        # A lead-in whose list is gone (a picture, another page) leads nowhere.
        groups = [
            group
            for group in groups
            if len(group) > 1 or not (group[0].kind == "paragraph" and group[0].text.endswith(_LEADS_IN))
        ] or groups
    return groups


def _select(groups: list[list[SourceBlock]], wanted: set[int], words: Catalogue) -> list[list[SourceBlock]]:
    """Keep the groups that are wanted and those that say most within the length of a section, in the sources' order."""
    sizes = [sum(count_words(block.text, words.language) for block in group) for group in groups]
    texts = vectors([[s for block in group for s in content_stems(block.text, words.language)] for group in groups])
    if len(groups) > _MOST_RANKED:
        whole = vectors(
            [[s for group in groups for block in group for s in content_stems(block.text, words.language)]]
        )[0]
        likeness = [cosine(text, whole) for text in texts]
        best = sorted(range(len(groups)), key=lambda i: (i not in wanted, -likeness[i], i))[:_MOST_RANKED]
        chosen = sorted(best)
        wanted = {place for place, i in enumerate(chosen) if i in wanted}
        groups, sizes, texts = [groups[i] for i in chosen], [sizes[i] for i in chosen], [texts[i] for i in chosen]
    kept: list[int] = []
    total = 0
    for i in (*sorted(wanted), *(i for i in by_relevance(texts, lexrank(texts)) if i not in wanted)):
        if total + sizes[i] <= _MOST_WORDS or not kept or i in wanted:
            kept.append(i)
            total += sizes[i]
    return [_shortened(groups[i], words) for i in sorted(kept)]


def _shortened(group: list[SourceBlock], words: Catalogue) -> list[SourceBlock]:
    """Cut a run that alone is longer than a section, never after a lead-in."""
    total, kept = 0, 0
    for place, block in enumerate(group):
        total += count_words(block.text, words.language)
        if total > _MOST_WORDS and kept:
            break
        if not block.text.endswith(_LEADS_IN) or place + 1 == len(group):
            kept = place + 1
    return group[:kept] or group


def _summary(kept: Sequence[SourceBlock], title: str, explanations: Sequence[str], words: Catalogue) -> str:
    """Return the one sentence that stands alone and says most, or "" when none does.

    It opens the section or is about a thing from its title: else it is some detail. What already stands beside a key
    concept is not said again, and what only announces its paragraph says too little.
    """
    least, _ = words.sentence_words
    named = set(content_stems(title, words.language))
    said = set(explanations)
    for block in kept:
        spans = sentences(block.text, words.language) if block.kind == "paragraph" else []
        for start, end in spans:
            sentence = block.text[start:end]
            opening, size = start == spans[0][0], count_words(sentence, words.language)
            announcing = opening and len(spans) > 1 and size < least + _ANNOUNCING_WORDS
            first = opening and block is kept[0]
            if announcing or (not first and named.isdisjoint(content_stems(sentence, words.language))):
                said.add(sentence)
    return "".join(best_sentences(kept, title, words, 1, but=said))


def best_sentences(
    kept: Sequence[SourceBlock],
    title: str,
    words: Catalogue,
    number: int,
    *,
    aloud: bool = True,
    but: Collection[str] = (),
) -> list[str]:
    """Return up to `number` sentences that stand alone and can be read (aloud), in the order of the sources.

    Preferred are those that open a paragraph or name a thing from the title. Sentences in `but` are passed over.
    """
    found: list[str] = []
    openers: set[str] = set()
    for block in kept:
        if block.kind == "paragraph":
            text = block.text
            spans = sentences(text, words.language)
            own = [text[start:end] for start, end in spans]
            found += own
            openers.update(own[:1])
    alone = [
        one
        for one in found
        if one not in but
        and is_standalone(one, words)
        and (is_speakable(one) if aloud else not _ADDRESS.search(one) and one.count("`") % 2 == 0)
        and "\n" not in one
    ]
    alone = list(dict.fromkeys(alone))[:_MOST_RANKED]
    stems = [content_stems(one, words.language) for one in alone]
    texts, named = vectors(stems), set(content_stems(title, words.language))
    scores = [
        score * (1 if one in openers else _INSIDE) * (1 if named.isdisjoint(own) else _ON_TITLE)
        for one, own, score in zip(alone, stems, lexrank(texts), strict=True)
    ]
    return [alone[i] for i in sorted(by_relevance(texts, scores)[:number])]


__all__ = ["KEY_CONCEPTS", "best_sentences", "has_content", "make_section", "shown_blocks"]
