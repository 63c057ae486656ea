"""Authors write the content of a task: `extractive` selects from the sources, `llm` asks a language model."""

from coursewright.generation.authors.base import Author, Questions

__all__ = ["Author", "Questions"]
