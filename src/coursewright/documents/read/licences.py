"""The short name of a licence in a text that states it."""

import re

from coursewright.documents.read.inline import fold

_LONGEST = 120
_NAMES = re.compile(
    r"Creative Commons Attribution[\w -]*?\d\.\d(?: Unported| International)?|\bCC[ -]BY(?:-(?:NC|ND|SA))*[ -]\d\.\d\b"
    r"|GNU (?:Free Documentation|Affero General Public|Lesser General Public|General Public) License"
    r"(?:,? [Vv]ersion \d(?:\.\d)?)?|Apache License(?:,? [Vv]ersion \d\.\d)?|\bMIT License\b|\bCC0\b"
)


def licence_in(text: str) -> str:
    """Return the names of the licences that a text states, "" when it states none that is known."""
    found = dict.fromkeys(fold(match[0]) for match in _NAMES.finditer(fold(text)))
    return ", ".join(list(found)[:3])


def short_licence(text: str) -> str:
    """Return what a document says of its licence: as it is when short, else the name in it or its beginning."""
    text = fold(text)
    if len(text) <= _LONGEST:
        return text
    return licence_in(text) or text[:_LONGEST].rsplit(" ", 1)[0] + " …"


__all__ = ["licence_in", "short_licence"]
