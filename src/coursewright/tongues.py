"""Tells languages apart.

The model of py3langid (40 MB of transitions, 28 MB of weights) comes packed, and unpacking it takes half a second of
each process that tells a language; several do for each course. So the first one leaves it unpacked in the user's cache,
from where all of them map the same memory. Where nothing can be left, each unpacks its own.
"""

import contextlib
import copy
import os
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, cast

_PARTS = ("weights", "priors", "languages", "transitions", "rows", "features")


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
    from py3langid.langid import LanguageIdentifier  # with numpy: only where a language is told

    weights, priors, languages, transitions, rows, features = _unpacked()
    return LanguageIdentifier(weights, priors, languages, transitions, features, True, tk_row=rows)


def _unpacked() -> tuple[Any, ...]:
    from py3langid.langid import MODEL_DIR, MODEL_FILE
    from py3langid.modelio import load_model

    with contextlib.suppress(OSError, RuntimeError, ValueError, EOFError):  # no home, no room; a broken file
        folder = _cache() / f"py3langid-{version('py3langid')}"
        if not folder.exists():
            _leave(load_model(MODEL_DIR / MODEL_FILE), folder)
        return _mapped(folder)
    return cast("tuple[Any, ...]", load_model(MODEL_DIR / MODEL_FILE))


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coursewright"


def _leave(model: tuple[Any, ...], folder: Path) -> None:
    """Write the arrays into a folder that is there only when it is whole, on disk, whoever writes it first."""
    import numpy as np

    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for name, part in zip(_PARTS, model, strict=True):
            with (unfinished / f"{name}.npy").open("wb") as file:
                np.save(file, np.asarray(part), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # another process was first
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _mapped(folder: Path) -> tuple[Any, ...]:
    import numpy as np

    weights, priors, languages, transitions, rows, features = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _PARTS
    )
    # A view of plain memory: an element of it is an int of Python at once, which one of an array of numpy is not.
    return (
        np.asarray(weights),
        np.asarray(priors),
        languages.tolist(),
        transitions.data,
        rows.tolist(),
        features.tolist(),
    )


__all__ = ["Identifier", "identifier"]
