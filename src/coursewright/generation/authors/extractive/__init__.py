"""The embedded author: an editor with scissors, who selects whole paragraphs and asks about what the sources define."""

from coursewright.generation.authors.extractive.author import ExtractiveAuthor

__all__ = ["ExtractiveAuthor"]
