"""The sentence that every export shows on how the course was made: for readers, so in the course's language."""

import tomllib
from functools import cache
from importlib import resources


def notice(language: str, model: str | None, written: int, substituted: int) -> str:
    """Return the notice of a course: `written` parts, of which `substituted` are not by the model that was asked."""
    texts = _texts()
    words = texts.get(language.split("-")[0].lower(), texts["en"])
    if model is None:
        return words["verbatim"]
    if substituted and substituted >= written:
        return words["unusable"]
    told = words["model"].format(model=model)
    return f"{told} {words['partly'].format(n=substituted, total=written)}" if substituted else told


@cache
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads((resources.files("coursewright.generation") / "notices.toml").read_text("utf-8"))


__all__ = ["notice"]
