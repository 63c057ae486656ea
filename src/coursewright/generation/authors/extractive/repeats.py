"""What a lesson would say again: manuals repeat paragraphs, slides their agenda; a course says them once."""

from collections.abc import Sequence

from coursewright.course.plan import Concept
from coursewright.generation.authors.extractive.blocks import SourceBlock, blocks
from coursewright.generation.authors.extractive.blueprint import Place
from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.section import shown_blocks
from coursewright.generation.authors.extractive.sentences import sentences
from coursewright.generation.authors.extractive.words import tokens

_SENTENCE_WORDS = 6  # fewer are chance
_REPEATED = 0.5  # share of a block's sentences from which the block is a repeat

Sentence = tuple[str, ...]


def repeats(places: Sequence[Place], owners: dict[str, list[Concept]], words: Catalogue) -> dict[str, tuple[str, ...]]:
    """Return, by section, the places of its blocks that an earlier lesson shows."""
    shown_in: dict[Sentence, str] = {}
    found: dict[str, tuple[str, ...]] = {}
    for place in places:
        own = [
            block.place
            for passage in place.passages
            for block in blocks(passage, words.language)
            if _is_repeat(block, place.lesson, shown_in, words)
        ]
        found[place.section] = tuple(own)
        for block in shown_blocks(place.passages, owners[place.section], words, own):
            for sentence in _sentences(block, words):
                shown_in.setdefault(sentence, place.lesson)
    return found


def _is_repeat(block: SourceBlock, lesson: str, shown_in: dict[Sentence, str], words: Catalogue) -> bool:
    own = _sentences(block, words)
    return bool(own) and sum(shown_in.get(one, lesson) != lesson for one in own) >= _REPEATED * len(own)


def _sentences(block: SourceBlock, words: Catalogue) -> list[Sentence]:
    """Return the sentences of running text as words; listings and tables may look alike for good reason."""
    if block.kind not in ("paragraph", "list", "note"):
        return []
    found: list[Sentence] = []
    for line in block.text.splitlines():
        cut = [tuple(tokens(line[start:end], words.language)) for start, end in sentences(line, words.language)]
        found += [one for one in cut if len(one) >= _SENTENCE_WORDS]
    return found


__all__ = ["repeats"]
