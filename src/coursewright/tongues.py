"""Tells languages apart. The model is read once a process (half a second), whatever languages it is asked about."""

import copy
from functools import cache
from typing import Any, Protocol, cast


class Identifier(Protocol):
    """Says which language (ISO 639-1) a text is in, and how sure that is (0 to 1); `rank`: all, the likeliest first."""

    def classify(self, text: str) -> tuple[str, float]: ...
    def rank(self, text: str) -> list[tuple[str, float]]: ...


@cache
def identifier(among: frozenset[str] = frozenset()) -> Identifier:
    """Return what tells languages apart: some, since rare relatives would only confuse it, or all that are known."""
    found = copy.copy(_model())
    if among:
        found.set_languages(sorted(among))
    return cast("Identifier", found)


@cache
def _model() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # with numpy: only where a language is told

    return LanguageIdentifier.from_model_file(MODEL_FILE, True)


__all__ = ["Identifier", "identifier"]
