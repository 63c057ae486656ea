"""Prompts live in files: Markdown with Jinja2 in `generation/prompts/`, versioned by the hash of what they say."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

_PROMPTS = files("coursewright.generation") / "prompts"


@cache
def _text(name: str) -> str:
    return (_PROMPTS / f"{name}.md").read_text(encoding="utf-8")


@cache
def _template(name: str) -> jinja2.Template:
    # Not HTML: what is inserted is escaped for its place by whoever inserts it (see `sources.Shown`).
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701
    return environment.from_string(_text(name))


def render(name: str, **values: Any) -> str:
    """Fill in a prompt; a value that is missing is an error."""
    return _template(name).render(**values).strip() + "\n"


@cache
def prompts_version() -> str:
    """Return 12 hexadecimal digits that change whenever any prompt does."""
    names = sorted(each.name.removesuffix(".md") for each in _PROMPTS.iterdir() if each.name.endswith(".md"))
    digest = hashlib.sha256("\x1f".join(map(_text, names)).encode())
    return digest.hexdigest()[:12]


__all__ = ["prompts_version", "render"]
