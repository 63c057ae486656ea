"""A question before it is placed in a set: JSON-able, with everything that writing it out needs."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from coursewright.course.model import Bloom, Difficulty


@dataclass(frozen=True, slots=True)
class Draft:
    """One candidate. `kind` is the model's; `form` tells apart ways of asking; no set asks about a subject twice.

    `options` hold (text, is it right); of an ordering they stand in the right order, of a matching `pairs` say which
    prompt goes with which. `answers` are the accepted words of a cloze or short answer.
    """

    kind: str
    form: str
    subjects: tuple[str, ...]
    section: str
    stem: str
    objective: str
    explanation: str
    citations: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, bool], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    answers: tuple[str, ...] = ()
    difficulty: Difficulty = "medium"
    bloom: Bloom = "remember"
    further_sections: tuple[str, ...] = ()  # that a matching question asks about beside its own

    @property
    def key(self) -> str:
        """Return the stem, by which two drafts are the same question."""
        return self.stem.casefold()

    def seed(self, position: int) -> dict[str, Any]:
        """Return the draft as JSON, with the place that the right option shall take."""
        return {
            name: [list(one) if isinstance(one, tuple) else one for one in value] if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        } | {"position": position}


def stable(*parts: object) -> int:
    """Return a number that depends on the parts alone, on every machine."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:8], "big")


__all__ = ["Draft", "stable"]
