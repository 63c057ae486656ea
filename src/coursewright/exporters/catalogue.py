"""The words of the exports around the course: one small JSON file a language, English where there is none."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

Catalogue = Mapping[str, str]

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


@cache
def catalogue(language: str) -> Catalogue:
    """Return the words for a language (`de` or `de-AT`)."""
    folder = resources.files("coursewright.exporters") / "languages"
    for name in (language.split("-")[0].lower(), "en"):
        file = folder / f"{name}.json"
        if name.isalpha() and file.is_file():
            words: dict[str, str] = json.loads(file.read_text("utf-8"))
            return words
    raise FileNotFoundError("languages/en.json")


def direction(language: str) -> str:
    """Return `rtl` or `ltr`."""
    return "rtl" if language.split("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


__all__ = ["Catalogue", "catalogue", "direction"]
