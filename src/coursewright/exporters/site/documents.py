"""The documents behind a course: its passages by document, and how much of a page stands on each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from coursewright.course.model import Source

_TONES = 6  # shades that the style sheet knows; neighbours differ


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One document with the passages that the course cites, in their order."""

    anchor: str
    tone: int
    file: str
    title: str
    attribution: str
    licence: str
    passages: tuple[Source, ...]

    @property
    def rights(self) -> str:
        return " · ".join(part for part in (self.attribution, self.licence) if part)


def by_document(sources: Sequence[Source]) -> tuple[SourceDocument, ...]:
    """Return the documents in the order in which they are first cited."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        found.setdefault(source.document, []).append(source)
    return tuple(
        SourceDocument(
            f"d{number}", (number - 1) % _TONES, file, each[0].title or file, each[0].attribution, each[0].licence,
            tuple(each),
        )
        for number, (file, each) in enumerate(found.items(), 1)
    )  # fmt: skip


def strip(documents: Sequence[SourceDocument], weights: Mapping[str, int], label: str) -> Markup:
    """Draw one bar in which every document is as wide as its share; `weights` are passages by file name."""
    total = sum(weights.values())
    parts, at = Markup(""), 0.0
    for document in documents:
        if share := weights.get(document.file, 0):
            width = 1000 * share / total
            parts += Markup(
                '<rect class="tone-{}" x="{:.2f}" width="{:.2f}" height="10"><title>{}</title></rect>'
            ).format(document.tone, at, max(0.5, width - 2), f"{document.title}: {share}")
            at += width
    return Markup(
        '<svg class="strip" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" viewBox="0 0 1000 10" '
        'preserveAspectRatio="none">{}</svg>'
    ).format(label, parts)


__all__ = ["SourceDocument", "by_document", "strip"]
