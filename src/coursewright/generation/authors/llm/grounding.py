"""Checks what a model wrote against the passages that it was shown, and cites it.

The model's own citations are a claim. A sentence must be carried by the passages it cites; when another passage that
was shown carries it, that one is cited instead, and passages that carry nothing are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coursewright.course.model import Block, BlockKind, Citation
from coursewright.course.quality import words
from coursewright.course.quality.support import TOO_FEW, Support
from coursewright.documents.passages import Passage
from coursewright.generation.authors.llm.plain import plain
from coursewright.generation.authors.llm.sources import Shown, cite
from coursewright.generation.authors.llm.wire import WireBlock

# A paraphrase keeps fewer of the source's words than a quotation: the report's bar is 0.7, below this one the sentence
# says something else.
CARRIED = 0.45
# A question with its key says it in words of its own; its explanation is held to the bar above.
ASKED = 0.3
# What a course says about itself ("in this lesson you will …") shares few words with its sources.
PROMISED = 0.15
KNOWN = 0.01  # of an answer or a label: any word of it
_BESIDE = ""
_WHOLE: frozenset[BlockKind] = frozenset({"code", "table"})


@dataclass(frozen=True, slots=True)
class Grounded:
    """Text with its citations, and what is wrong with it ("" when nothing is)."""

    citations: tuple[Citation, ...]
    problem: str = ""


class Grounding:
    """Judges sentences against the passages shown."""

    def __init__(self, shown: Shown, language: str, beside: str = "") -> None:
        """The names and numbers of `beside` may be spoken of, too: of titles, of whom the course is for."""
        self._shown = shown
        self._language = language
        # Words of another language do not overlap; numbers still must, and names that no language translates.
        same = all(passage.language in ("", language) for passage in shown.passages)
        self._most = 1.0 if same else 0.0
        texts = {passage.id: " ".join((*passage.heading_path, passage.text)) for passage in shown.passages}
        self._support = Support(texts | ({_BESIDE: beside} if beside else {}), language if same else "")

    def ground(self, text: str, aliases: Sequence[str], kind: BlockKind = "paragraph") -> Grounded:
        """Cite a text; say which sentence the passages do not carry, or which alias does not exist."""
        cited, unknown = self._shown.find(aliases)
        pieces = self._pieces(text, kind)
        if unknown:
            return Grounded((), f"there is no passage {', '.join(unknown)}")
        used: dict[str, Passage] = {}
        for piece in pieces:
            carriers = self._carriers(piece, cited)
            if not carriers:
                why = self._why_not(piece, cited)
                return Grounded((), f"“{words.excerpt(piece, 160)}”: {why}")
            used |= {passage.id: passage for passage in carriers}
        in_order = [passage for passage in self._shown.passages if passage.id in used]
        return Grounded(cite(text, in_order, self._language))

    def block(self, block_id: str, wire: WireBlock) -> tuple[Block | None, Grounded]:
        """Return the block; None when nothing is left of it, or when it has a problem. No aliases: an addition."""
        text = plain(wire.text, wire.kind)
        if not text:
            return None, Grounded(())
        if not wire.sources:
            return Block(id=block_id, kind=wire.kind, text=text), Grounded(())
        grounded = self.ground(text, wire.sources, wire.kind)
        if grounded.problem:
            return None, grounded
        return Block(id=block_id, kind=wire.kind, text=text, citations=grounded.citations), grounded

    def missing(self, text: str, least: float) -> str:
        """Say what the passages together lack for a text that cites none, or "" when they carry it."""
        ids = [passage.id for passage in self._shown.passages]
        inexact = self._support.why_not(text, [*ids, _BESIDE], least=0.0)
        few = self._support.share(text, ids) < min(least, self._most)
        return inexact or (TOO_FEW if few else "")

    def _pieces(self, text: str, kind: BlockKind) -> list[str]:
        return [text] if kind in _WHOLE else words.sentences(text, self._language)

    def _carriers(self, sentence: str, cited: Sequence[Passage]) -> list[Passage]:
        """Return the fewest passages that carry a sentence: one of the cited, all of them, one of the others."""
        for group in (*([one] for one in cited), list(cited), *([one] for one in self._shown.passages)):
            if group and not self._why_not(sentence, group):
                return list(group)
        return []

    def _why_not(self, sentence: str, passages: Sequence[Passage]) -> str:
        return self._support.why_not(sentence, [passage.id for passage in passages], least=min(CARRIED, self._most))


__all__ = ["ASKED", "CARRIED", "KNOWN", "PROMISED", "Grounded", "Grounding"]
