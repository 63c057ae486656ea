"""Finds the passages that answer a question: by words in every language, by meaning where an embedder is configured.

Both sides rank by themselves and are fused by their ranks (Cormack, Clarke and Büttcher 2009), because their scores
have no common measure.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import dict_row

from coursewright.db.pool import Pool, mapped_errors, transaction
from coursewright.db.queries import fetch_all, fetch_one, sql
from coursewright.documents.embed import Embedder
from coursewright.documents.passages import Passage
from coursewright.documents.question import essence, language_of
from coursewright.documents.snippets import Snippet, cut, marked_places, merge, unspaced_places
from coursewright.documents.store import passage_of

_CANDIDATES = 100  # of each side
_FLATNESS = 60  # of the fusion: how little the first ranks stand out
_LEXICAL, _DENSE = 1.0, 2.0  # measured by `python -m bench retrieval`: equal weights are worse than meaning alone


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. `score` is 0-1 and compares hits of one question only; 1: first on every side.

    `lexical_rank` and `dense_rank` count from 1; None: that side did not find it.
    """

    passage: Passage
    score: float
    lexical_rank: int | None
    dense_rank: int | None
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class _Ranked:
    id: str
    score: float


@dataclass(frozen=True, slots=True)
class _Language:
    language: str
    passages: int


@dataclass(frozen=True, slots=True)
class _Unembedded:
    id: str
    heading_path: list[str]
    text: str
    left: int


@dataclass(frozen=True, slots=True)
class _Searchable:
    searchable: bool


class Retriever:
    """Searches the knowledge bases of all organisations; every question names the organisation that asks."""

    def __init__(self, pool: Pool, embedder: Embedder | None = None) -> None:
        self._pool = pool
        self._embedder = embedder

    async def search(
        self, organisation_id: UUID, knowledge_base_id: UUID, question: str, *, limit: int = 10
    ) -> list[Hit]:
        """Return the passages that answer a question best, best first; none when nothing has to do with it.

        Every language of the knowledge base is asked in its own words. The dense side takes part when the question is
        in a language that the embedder understands and its passages were embedded.
        """
        base: dict[str, Any] = {"organisation_id": organisation_id, "knowledge_base_id": knowledge_base_id}
        question = question.replace("\x00", "")
        rows = await self._rows(_Language, "search_languages", base)
        languages = [row.language for row in rows]
        spoken = await asyncio.to_thread(language_of, question, languages)
        asked = base | {
            "languages": languages,
            "questions": [essence(question, spoken, language) for language in languages],
            "most": max(_CANDIDATES, limit),
        }
        by_words, by_meaning = await asyncio.gather(
            self._rows(_Ranked, "search_words", asked), self._by_meaning(base, question, spoken, asked["most"])
        )
        lexical = {row.id: rank for rank, row in enumerate(by_words, 1)}
        dense = {row.id: rank for rank, row in enumerate(by_meaning, 1)}
        scores = _fuse(lexical, dense)
        best = sorted(scores, key=lambda each: (-scores[each], each))[:limit]
        hits = await self._load(asked, essence(question, spoken, spoken), best)
        return [
            Hit(passage, round(scores[passage.id], 4), lexical.get(passage.id), dense.get(passage.id), snippet)
            for passage, snippet in hits
        ]

    async def embed(
        self,
        organisation_id: UUID,
        knowledge_base_id: UUID,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> int:
        """Embed the passages that are not yet, in the embedder's languages, and return how many there were.

        Each batch is committed, so that an interrupted run goes on where it stopped. Does nothing without an embedder
        or without pgvector.
        """
        embedder = self._embedder
        if embedder is None or not await self._searchable(embedder):
            return 0
        wanted = {
            "organisation_id": organisation_id,
            "knowledge_base_id": knowledge_base_id,
            "embedder": embedder.name,
            "languages": sorted(embedder.languages),
            "most": embedder.batch,
        }
        done = total = 0
        while batch := await self._rows(_Unembedded, "unembedded", wanted):
            total = total or batch[0].left
            vectors = await embedder.embed([_embeddable(each) for each in batch])
            async with transaction(self._pool) as connection, connection.cursor() as cursor:
                await cursor.executemany(
                    sql(__package__, "add_embedding"),
                    [
                        wanted | {"id": each.id, "embedding": vector}
                        for each, vector in zip(batch, vectors, strict=True)
                    ],
                )
            done += len(batch)
            on_progress(done, max(done, total))
        return done

    async def _searchable(self, embedder: Embedder) -> bool:
        async with transaction(self._pool) as connection:
            row = await fetch_one(
                connection,
                _Searchable,
                sql(__package__, "index_embeddings"),
                {"embedder": embedder.name, "dimensions": embedder.dimensions},
            )
        return row is not None and row.searchable

    async def _by_meaning(self, base: dict[str, Any], question: str, spoken: str, most: int) -> list[_Ranked]:
        embedder = self._embedder
        if embedder is None or spoken not in embedder.languages:
            return []
        (vector,) = await embedder.embed([question])
        return await self._rows(
            _Ranked, "search_meaning", base | {"embedder": embedder.name, "question": vector, "most": most}
        )

    async def _load(self, asked: dict[str, Any], core: str, ids: list[str]) -> list[tuple[Passage, Snippet]]:
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(sql(__package__, "search_passages"), asked | {"ids": ids})
                rows = await cursor.fetchall()
        return [_with_snippet(row, core) for row in rows]

    async def _rows(self, row: type[Any], name: str, parameters: dict[str, Any]) -> list[Any]:
        with mapped_errors():
            async with self._pool.connection() as connection:
                return await fetch_all(connection, row, sql(__package__, name), parameters)


def _fuse(lexical: dict[str, int], dense: dict[str, int]) -> dict[str, float]:
    """Return a score for each passage that a side has ranked."""
    sides = [(side, weight) for side, weight in ((lexical, _LEXICAL), (dense, _DENSE)) if side]
    most = sum(weight for _, weight in sides) / (_FLATNESS + 1)
    scores: dict[str, float] = {}
    for side, weight in sides:
        for id_, rank in side.items():
            scores[id_] = scores.get(id_, 0.0) + weight / (_FLATNESS + rank) / most
    return scores


def _with_snippet(row: dict[str, Any], core: str) -> tuple[Passage, Snippet]:
    """Return the passage of a row and what to show of it. A word counts in a block of its own language only."""
    marked, fallback = row.pop("marked"), row.pop("document_language")
    passage = passage_of(row)
    places = [
        place
        for language, text in marked.items()
        for place in marked_places(text, len(passage.text))
        if any(span.start <= place[0] < span.end and (span.language or fallback) == language for span in passage.spans)
    ]
    body = next((span.end for span in passage.spans[:1] if span.kind == "heading"), 0)
    return passage, cut(passage.text, merge([*places, *unspaced_places(passage.text, core)]), body)


def _embeddable(passage: _Unembedded) -> str:
    """Return the passage with the headings above it, which often alone say what it is about."""
    return " › ".join(passage.heading_path[:-1]) + "\n" + passage.text


__all__ = ["Hit", "Retriever"]
