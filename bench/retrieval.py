"""Search: how often a natural question finds the section that answers it, and how long that takes."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

from bench.questions import QUESTIONS, answers
from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import Connection, Pool, open_pool, transaction
from coursewright.db.queries import sql
from coursewright.documents.discover import discover
from coursewright.documents.embed import Embedder, MiniLM, missing_packages, open_embedder
from coursewright.documents.reading import SourceFile, read_files
from coursewright.documents.retrieve import Retriever
from coursewright.documents.store import DocumentStore
from coursewright.settings import DatabaseSettings, DocumentSettings

HANDBOOK = Path(__file__).parents[1] / ".cache/documents/debian-handbook/usr/share/doc/debian-handbook/html/en-US"
OURS, BASE, LARGE = UUID(int=1), UUID(int=10), UUID(int=11)
DOCUMENTS = "coursewright.documents"
PASSAGES = 20_000
MOST = 30  # a section that comes later counts as not found

# What Postgres offers by itself, beside what is ours.
RANKED = """
select heading_path from coursewright.passages, {query} as query
 where knowledge_base_id = %(base)s and to_tsvector('english', text) @@ query
 order by ts_rank(to_tsvector('english', text), query) desc, id limit 30
"""
WEBSEARCH = RANKED.replace("{query}", "websearch_to_tsquery('english', %(question)s)")
ANY_WORD = RANKED.replace(
    "{query}",
    "cast((select string_agg(quote_literal(lexeme), ' | ') "
    "from unnest(to_tsvector('english', %(question)s))) as tsquery)",
)

# The handbook again and again, each time as one document.
COPY_DOCUMENT = """
insert into coursewright.documents (knowledge_base_id, name, sha256, bytes, status, language)
values (%(large)s, %(name)s, '', 0, 'completed', 'en')
"""
COPY_PASSAGES = """
insert into coursewright.passages (knowledge_base_id, document, id, ordinal, heading_path, start_offset, end_offset,
                                   text, language, sha256, spans, terms)
select %(large)s, %(name)s, %(name)s || id, row_number() over (order by document, ordinal) - 1, heading_path,
       start_offset, end_offset, text, language, sha256, spans, terms
  from coursewright.passages where knowledge_base_id = %(base)s
"""
COPY_EMBEDDINGS = """
insert into coursewright.passage_embeddings (knowledge_base_id, passage_id, embedder, embedding)
select %(large)s, %(name)s || passage_id, embedder,
       (select array_agg(value + (random() - 0.5) * 0.05) from unnest(embedding) as value)::real[]
  from coursewright.passage_embeddings where knowledge_base_id = %(base)s
"""
SIZE = """
select pg_total_relation_size('coursewright.passage_words') / 1e6, pg_total_relation_size('coursewright.passages') / 1e6
"""

Headings = list[list[str]]


async def _read(pool: Pool) -> None:
    store = DocumentStore(pool)
    await store.add_knowledge_base(OURS, BASE, "handbook")
    await store.add_knowledge_base(OURS, LARGE, "handbooks")
    found, _ = discover([HANDBOOK], 1 << 30)
    for each in found:
        await store.add_document(BASE, each.name, b"", each.sha256)
    async for outcome in read_files([SourceFile(each.name, each.path) for each in found], DocumentSettings()):
        await store.record(BASE, outcome)


async def _enlarge(pool: Pool, passages: int) -> None:
    for number in range(-(-PASSAGES // passages)):
        keys = {"base": BASE, "large": LARGE, "name": f"copy {number}"}
        async with transaction(pool) as connection:
            for statement in (COPY_DOCUMENT, COPY_PASSAGES, COPY_EMBEDDINGS):
                await connection.execute(statement, keys)
            await connection.execute(
                sql(DOCUMENTS, "index_passages"), {"knowledge_base_id": LARGE, "name": keys["name"]}
            )
    async with pool.connection() as connection:
        await connection.execute("vacuum analyze")


async def _quality(name: str, search: Callable[[str], Awaitable[Headings]]) -> tuple[str, ...]:
    ranks = []
    for question, sections in QUESTIONS.items():
        found = await search(question)
        ranks.append(next((rank for rank, path in enumerate(found, 1) if answers(path, sections)), 0))
    mean = sum(1 / rank for rank in ranks if rank) / len(ranks)
    best = [sum(0 < rank <= most for rank in ranks) for most in (1, 5, MOST)]
    return (name, f"{mean:.2f}", *map(str, best))


async def _latency(name: str, retriever: Retriever) -> tuple[str, ...]:
    questions = list(QUESTIONS) * 5
    random.Random(1).shuffle(questions)
    times = []
    for question in questions:
        began = time.perf_counter()
        await retriever.search(OURS, LARGE, question)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return (name, f"{times[len(times) // 2]:.1f}", f"{times[len(times) * 95 // 100]:.1f}")


def _by_postgres(pool: Pool, statement: str) -> Callable[[str], Awaitable[Headings]]:
    async def search(question: str) -> Headings:
        async with pool.connection() as connection:
            cursor = await connection.execute(statement, {"base": BASE, "question": question})
            return [path for (path,) in await cursor.fetchall()]

    return search


def _by_retriever(retriever: Retriever) -> Callable[[str], Awaitable[Headings]]:
    async def search(question: str) -> Headings:
        return [list(hit.passage.heading_path) for hit in await retriever.search(OURS, BASE, question, limit=MOST)]

    return search


async def _sizes(connection: Connection) -> tuple[float, float]:
    words, passages = await (await connection.execute(SIZE)).fetchone() or (0, 0)
    return float(words), float(passages)


async def _measure(url: str) -> list[Table]:
    await migrate(url)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(url, DatabaseSettings()))
        embedder: Embedder | None = None
        if missing := missing_packages():
            print(f"not measured: search by meaning; not installed: {', '.join(missing)}")
        else:
            embedder = await stack.enter_async_context(open_embedder(MiniLM.name))
        await _read(pool)
        by_words, hybrid = Retriever(pool), Retriever(pool, embedder)
        began = time.perf_counter()
        embedded = await hybrid.embed(OURS, BASE)
        pace = embedded / (time.perf_counter() - began)
        rows = [
            await _quality("`websearch_to_tsquery`, `ts_rank`", _by_postgres(pool, WEBSEARCH)),
            await _quality("any word, `ts_rank`", _by_postgres(pool, ANY_WORD)),
            await _quality("Coursewright, by words", _by_retriever(by_words)),
        ]
        if embedder:
            rows.append(await _quality("Coursewright, by words and meaning", _by_retriever(hybrid)))
        passages = len(await DocumentStore(pool).passages(OURS, BASE))
        await _enlarge(pool, passages)
        async with pool.connection() as connection:
            words, texts = await _sizes(connection)
        times = [await _latency("by words", by_words)]
        if embedder:
            times.append(await _latency(f"by words and meaning ({pace:.0f} passages/s embedded)", hybrid))
    return [
        Table(
            "Questions that find their section",
            f"30 natural questions to the English Debian handbook (`bench/questions.py`), {passages} passages. MRR: "
            "the mean of one over the rank of the first passage that answers; then how many have it among the first.",
            ("search", "MRR", "first", "first 5", f"first {MOST}"),
            rows,
        ),
        Table(
            f"Time to answer with {PASSAGES:,} passages",
            "The same questions five times, ten passages with snippets each; the question is embedded, too. "
            f"Milliseconds. The words take {words:,.0f} MB, the passages themselves {texts:,.0f} MB.",
            ("search", "p50", "p95"),
            times,
        ),
    ]


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the tables of search; without the fetched handbook there is nothing to measure."""
    if not HANDBOOK.is_dir():
        print("not measured: search; `scripts/fetch_documents.sh debian-handbook` fetches the handbook")
        return []
    return asyncio.run(_measure(new_database()))
