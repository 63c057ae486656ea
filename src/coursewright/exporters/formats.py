"""The formats of a course, and the mark of its folder; apart, because the command line asks before anything is made."""

from typing import Literal

Format = Literal["json", "site", "markdown", "quality"]
FORMATS: tuple[Format, ...] = ("json", "site", "markdown", "quality")
MARKER = ".coursewright-export"  # says that a folder is ours, whose course it holds, and what in it may be replaced

__all__ = ["FORMATS", "MARKER", "Format"]
