"""Passages as a model sees them: data under aliases, packed to the window; and the quotes that code picks from them."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coursewright.course.model import Citation
from coursewright.course.quality import words
from coursewright.documents.passages import Passage
from coursewright.llm.tokens import at_most_tokens

_BETWEEN = 1  # token
_LONGEST_QUOTE = 400  # characters


@dataclass(frozen=True, slots=True)
class Shown:
    """Passages under the aliases S1, S2, … in the order of `passages`."""

    passages: tuple[Passage, ...]

    @property
    def aliases(self) -> Mapping[str, Passage]:
        """Return the passages by alias."""
        return {f"S{number}": passage for number, passage in enumerate(self.passages, 1)}

    def text(self) -> str:
        """Return the passages as the prompt shows them. Nothing in them can close the frame around them."""
        return "\n\n".join(
            f'<passage alias="{alias}" document="{_attribute(passage.title or passage.document)}" '
            f'place="{_attribute(" › ".join(passage.heading_path))}">\n{framed(passage.text)}\n</passage>'
            for alias, passage in self.aliases.items()
        )

    def find(self, aliases: Iterable[str]) -> tuple[list[Passage], list[str]]:
        """Return the passages named, each once, and the names that nothing was shown under."""
        known = self.aliases
        named = [alias.strip().strip("[]").upper() for alias in dict.fromkeys(aliases)]
        return [known[name] for name in named if name in known], [name for name in named if name not in known]


def pack(passages: Sequence[Passage], most_tokens: int) -> Shown:
    """Show passages in order as long as they fit; the first is shown in any case."""
    kept: list[Passage] = []
    left = most_tokens
    for passage in passages:
        size = at_most_tokens(Shown((passage,)).text()) + _BETWEEN
        if size > left and kept:
            break
        kept.append(passage)
        left -= size
    return Shown(tuple(kept))


def parts(passages: Sequence[Passage], most_tokens: int) -> list[Shown]:
    """Cut passages into runs that each fit."""
    result: list[Shown] = []
    rest = list(passages)
    while rest:
        result.append(pack(rest, most_tokens))
        rest = rest[len(result[-1].passages) :]
    return result


def cite(text: str, passages: Sequence[Passage], language: str) -> tuple[Citation, ...]:
    """Cite, for each passage, the sentence of it that says most of what `text` says."""
    wanted = frozenset(words.content(text, language))
    return tuple(Citation(passage_id=each.id, quote=_quote(wanted, each, language)) for each in passages)


def _quote(wanted: frozenset[str], passage: Passage, language: str) -> str:
    best, best_score = "", -1.0
    for sentence in words.sentences(passage.text, language):
        if sentence not in passage.text:
            continue
        stems = frozenset(words.content(sentence, language))
        score = len(stems & wanted) / (len(stems) + 3) ** 0.5
        if score > best_score + 1e-9:
            best, best_score = sentence, score
    quote = best or passage.text.strip()
    return quote if len(quote) <= _LONGEST_QUOTE else quote[:_LONGEST_QUOTE].rstrip()


def _attribute(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=True)


def framed(text: str) -> str:
    """Return a text that cannot close the frame it is put into."""
    return re.sub(r"<(/?)(passage|wishes|neighbours)\b", r"‹\1\2", text, flags=re.IGNORECASE)


__all__ = ["Shown", "cite", "framed", "pack", "parts"]
