"""The formats of a course; in a module of their own, because the command line names them before it makes a course."""

from typing import Literal

Format = Literal["json", "site", "markdown", "quality"]
FORMATS: tuple[Format, ...] = ("json", "site", "markdown", "quality")

__all__ = ["FORMATS", "Format"]
