"""Descriptions and objectives: what an outline says of the course, held to the passages that its sections rest on.

Numbers and names must stand there. Of words few must, because such texts speak of the course ("in this lesson you
will …"): a sentence that shares hardly any is left out, and the author of the course is told. That is for `kb_only`;
in the other modes a course may teach what its sources lack, so it may also say so.
"""

from collections.abc import Sequence
from typing import Self

from coursewright.course.plan import CourseRequest
from coursewright.course.quality import words
from coursewright.generation.authors.llm.grounding import PROMISED, Grounding
from coursewright.generation.authors.llm.listing import Listing
from coursewright.generation.authors.llm.plain import plain, sentences_joined
from coursewright.generation.authors.llm.sources import Shown
from coursewright.generation.authors.llm.wire import WireOutline

_FEW = 2  # content words: a sentence with fewer promises nothing
_OWN_WORDS = 0.25  # of the sentences may share nothing with the sources before the whole outline is sent back


class Promises:
    """Reads the texts of one outline and remembers what is wrong with them. `grounding` is None where all is free."""

    def __init__(self, grounding: Grounding | None, language: str) -> None:
        self._grounding = grounding
        self._language = language
        self._sentences = 0
        self._wrong: list[str] = []
        self._strange: list[str] = []
        self.left_out: list[str] = []

    @classmethod
    def of(cls, wire: WireOutline, listing: Listing, request: CourseRequest, language: str) -> Self:
        """Make the reader of an outline: it may also speak of its own titles, and of whom it is for."""
        if request.mode != "kb_only":
            return cls(None, language)
        lessons = [lesson for module in wire.modules for lesson in module.lessons]
        sections = [section for lesson in lessons for section in lesson.sections]
        pinned = dict.fromkeys(passage for section in sections for passage in listing.passages(section.sources)[0])
        titles = [wire.title, *(one.title for one in wire.modules), *(one.title for one in lessons)]
        titles += [one.title for one in sections]
        wished = [request.title or "", request.audience or "", *request.prerequisites]
        return cls(Grounding(Shown(tuple(pinned)), language, beside=". ".join((*titles, *wished))), language)

    @property
    def problems(self) -> list[str]:
        """Return what the model must mend."""
        strange = self._strange if len(self._strange) > _OWN_WORDS * self._sentences else []
        return list(dict.fromkeys((*self._wrong, *strange)))

    def text(self, wire: str, where: str) -> str:
        """Return a description without the sentences that do not hold."""
        return self._held(plain(wire), where)

    def texts(self, wires: Sequence[str], where: str, *, needed: bool = False) -> tuple[str, ...]:
        """Return the objectives that hold, each once; `needed`: one of them at least."""
        before = len(self._strange)
        unique = dict.fromkeys(text for text in map(plain, wires) if text)
        kept = tuple(text for text in unique if self._held(text, where) == text)
        if needed and not kept:
            self._wrong += self._strange[before:]
        return kept

    def _held(self, text: str, where: str) -> str:
        if self._grounding is None:
            return text
        said = words.sentences(text, self._language)
        kept = [sentence for sentence in said if not self._strikes(sentence, where, self._grounding)]
        self._sentences += len(said)
        return text if len(kept) == len(said) else sentences_joined(kept, self._language)

    def _strikes(self, sentence: str, where: str, grounding: Grounding) -> bool:
        few = len(set(words.content(sentence, self._language))) < _FEW
        why = grounding.missing(sentence, 0.0 if few else PROMISED)
        if not why:
            return False
        told = f"{where} “{words.excerpt(sentence, 160)}”: {why}."
        (self._wrong if grounding.missing(sentence, 0.0) else self._strange).append(told)
        self.left_out.append(f"Left out of the outline: {told}")
        return True


__all__ = ["Promises"]
