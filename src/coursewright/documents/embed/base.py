"""What an embedder is to the rest of the program: local models and providers look the same."""

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors whose cosine says how close their meanings are."""

    @property
    def name(self) -> str:
        """Stored with each vector: vectors of different names are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of each vector; at most 2,000, which is what pgvector can index."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages it understands; texts in others are not given to it."""
        ...

    @property
    def batch(self) -> int:
        """Texts that one call should carry."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text, in order. Raises ConfigurationError when it cannot work here."""
        ...


__all__ = ["Embedder"]
