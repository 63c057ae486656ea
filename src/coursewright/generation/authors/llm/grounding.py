"""Checks what a model wrote against the passages that it was shown, and cites it.

The model's own citations are a claim. A sentence must be carried by the passages it cites; when another passage that
was shown carries it, that one is cited instead, and passages that carry nothing are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coursewright.course.model import Block, BlockKind, Citation
from coursewright.course.quality import words
from coursewright.course.quality.support import Support
from coursewright.documents.passages import Passage
from coursewright.generation.authors.llm.plain import plain
from coursewright.generation.authors.llm.sources import Shown, cite
from coursewright.generation.authors.llm.wire import WireBlock

# A paraphrase keeps fewer of the source's words than a quotation: the report's bar is 0.7, below this one the sentence
# says something else.
CARRIED = 0.45
_WHOLE: frozenset[BlockKind] = frozenset({"code", "table"})


@dataclass(frozen=True, slots=True)
class Grounded:
    """Text with its citations, and what is wrong with it ("" when nothing is)."""

    citations: tuple[Citation, ...]
    sentences: int
    problem: str = ""


class Grounding:
    """Judges sentences against the passages shown."""

    def __init__(self, shown: Shown, language: str) -> None:
        self._shown = shown
        self._language = language
        # Words of another language do not overlap; numbers and names still must.
        same = all(passage.language in ("", language) for passage in shown.passages)
        self._least = CARRIED if same else 0.0
        self._support = Support(
            {passage.id: " ".join((*passage.heading_path, passage.text)) for passage in shown.passages}, language
        )

    def ground(self, text: str, aliases: Sequence[str], kind: BlockKind = "paragraph") -> Grounded:
        """Cite a text; say which sentence the passages do not carry, or which alias does not exist."""
        cited, unknown = self._shown.find(aliases)
        pieces = self._pieces(text, kind)
        if unknown:
            return Grounded((), len(pieces), f"there is no passage {', '.join(unknown)}")
        used: dict[str, Passage] = {}
        for piece in pieces:
            carriers = self._carriers(piece, cited)
            if not carriers:
                why = self._why_not(piece, cited)
                return Grounded((), len(pieces), f"“{words.excerpt(piece, 160)}”: {why}")
            used |= {passage.id: passage for passage in carriers}
        in_order = [passage for passage in self._shown.passages if passage.id in used]
        return Grounded(cite(text, in_order, self._language), len(pieces))

    def block(self, block_id: str, wire: WireBlock) -> tuple[Block | None, Grounded]:
        """Return the block; None when nothing is left of it, or when it has a problem. No aliases: an addition."""
        text = plain(wire.text, wire.kind)
        if not text:
            return None, Grounded((), 0)
        if not wire.sources:
            return Block(id=block_id, kind=wire.kind, text=text), Grounded((), len(self._pieces(text, wire.kind)))
        grounded = self.ground(text, wire.sources, wire.kind)
        if grounded.problem:
            return None, grounded
        return Block(id=block_id, kind=wire.kind, text=text, citations=grounded.citations), grounded

    def _pieces(self, text: str, kind: BlockKind) -> list[str]:
        return [text] if kind in _WHOLE else words.sentences(text, self._language)

    def _carriers(self, sentence: str, cited: Sequence[Passage]) -> list[Passage]:
        """Return the fewest passages that carry a sentence: one of the cited, all of them, one of the others."""
        for group in (*([one] for one in cited), list(cited), *([one] for one in self._shown.passages)):
            if group and not self._why_not(sentence, group):
                return list(group)
        return []

    def _why_not(self, sentence: str, passages: Sequence[Passage]) -> str:
        return self._support.why_not(sentence, [passage.id for passage in passages], least=self._least)


__all__ = ["CARRIED", "Grounded", "Grounding"]
