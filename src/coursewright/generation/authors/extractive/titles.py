"""Headings as titles: numbering stripped, generic ones told by their parent, matter that is no lesson recognised."""

import re
from collections.abc import Sequence

from coursewright.generation.authors.extractive.catalogue import Catalogue
from coursewright.generation.authors.extractive.tongue import reads_as

_NUMBER = re.compile(
    r"^\s*(?:(?:\d{1,3}(?:\.\d{1,3})+|[A-Z](?:\.\d{1,3})+)[.:)]?\s+|(?:\d{1,3}|[IVXLC]{1,6}|[A-Z])[.)]\s+|第\s*\d+\s*[章節部]\s*[.:、]?\s*)"
)
_EDGES = " \t\u00a0\u200b\u3000#¶§:.–—-"
_SPACED_DOTS = re.compile(r"(?:\s?\.){3,}(?=\s*\(|$)")
_CONTINUED = re.compile(r"[\s.…—–-]*(?:\(\d+(?:/\d+)?\)|(?:Part|Teil|Partie|Parte)\s+[IVX\d]+)$")
_LABEL_WORDS = 6
_LABEL_CUT = re.compile(r"\s*(?:[:;(（–—]|, | - ).*$", re.S)


def clean(heading: str, words: Catalogue) -> str:
    """Return a heading without numbering, `Chapter`, code marks and stray punctuation."""
    title = re.sub(r"\s+", " ", heading.replace("`", "").replace("\u00a0", " ")).strip()
    title = _SPACED_DOTS.sub("", title)
    unnumbered = re.sub(
        rf"^{words.numbering.pattern}\s+(?:\d+(?:\.\d+)*|[IVXLC]+|[A-Z])\b\s*[.:–—-]?\s*", "", title, flags=re.I
    )
    unnumbered = _NUMBER.sub("", unnumbered)
    return unnumbered.strip(_EDGES) or title.strip(_EDGES)


def without_number(title: str) -> str:
    """Return a title without what tells apart the parts of one thing: "Patches (2)", "A tour — Part II"."""
    return _CONTINUED.sub("", title)


def is_generic(title: str, words: Catalogue) -> bool:
    """Tell whether a title says nothing without its parent."""
    return title.casefold().strip(" .:") in words.generic_titles


def is_matter(heading: str, words: Catalogue) -> bool:
    """Tell whether a heading opens front or back matter: preface, licence, index, contents, bibliography."""
    return bool(words.matter.fullmatch(clean(heading, words)))


def is_glossary(heading: str, words: Catalogue) -> bool:
    """Tell whether a heading opens a list of terms: a source of definitions, but no lesson."""
    return bool(words.glossary.fullmatch(clean(heading, words)))


def telling(path: Sequence[str], words: Catalogue) -> str:
    """Return the title of a heading path: its last heading, prefixed by its parent when it is generic.

    A heading that was left untranslated gives way to those above it.
    """
    cleaned = [title for title in (clean(heading, words) for heading in path) if title]
    cleaned = [title for title in cleaned if reads_as(title, words.language)] or cleaned
    if not cleaned:
        return ""
    title = cleaned[-1]
    if is_generic(title, words):
        parent = next((above for above in reversed(cleaned[:-1]) if not is_generic(above, words)), "")
        if parent and parent != title:
            return words.say("outline", "prefixed", parent=parent, title=title)
    return title


def label(title: str, links: frozenset[str]) -> str:
    """Shorten a title to a label of at most six words, cut where the title pauses, never after one of `links`."""
    title = re.split(r"\u202f?; |؛ |／", title)[0]  # of a joined title the first
    if len(title.split()) > _LABEL_WORDS:
        title = _LABEL_CUT.sub("", title) or title
    kept = title.split()[:_LABEL_WORDS]
    if len(title.split()) > _LABEL_WORDS:
        while len(kept) > 1 and kept[-1].casefold().strip(",;:") in links:
            kept.pop()
    return " ".join(kept).strip(",;: ")


__all__ = ["clean", "is_generic", "is_glossary", "is_matter", "label", "telling", "without_number"]
