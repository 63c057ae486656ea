"""The author that asks a language model, and checks what it says against the sources."""

from coursewright.generation.authors.llm.asking import Asking, reasoning_room
from coursewright.generation.authors.llm.author import LlmAuthor

__all__ = ["Asking", "LlmAuthor", "reasoning_room"]
