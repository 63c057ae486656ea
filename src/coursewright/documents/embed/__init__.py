"""Turns texts into numbers that lie close where the meanings do. The network is never used."""

from coursewright.documents.embed.base import Embedder
from coursewright.documents.embed.minilm import MiniLM, missing_packages, open_embedder

__all__ = ["Embedder", "MiniLM", "missing_packages", "open_embedder"]
