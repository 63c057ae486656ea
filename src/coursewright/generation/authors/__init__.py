"""Authors write the content of a task: `extractive` selects from the sources, `llm` asks a language model."""

from coursewright.generation.authors.base import Author, AuthorFor, Questions, TaskContext

__all__ = ["Author", "AuthorFor", "Questions", "TaskContext"]
