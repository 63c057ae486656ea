"""Somebody's own Postgres, 15 or newer and without pgvector: everything works but the search by meaning."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from coursewright.db.migrate import migrate, migrations
from coursewright.db.pool import Pool, open_pool
from coursewright.documents.retrieve import Retriever
from coursewright.documents.store import DocumentStore
from coursewright.settings import DatabaseSettings
from tests.integration.documents.test_retrieve import BASE, LANGUAGES, OURS, Stub, keep_all_languages
from tests.plain_postgres import plain_postgres, programs

found = programs()
pytestmark = pytest.mark.skipif(
    found is None, reason="no Postgres without pgvector on this machine: apt install postgresql-15"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    assert found
    with plain_postgres(found) as address:
        yield address


@pytest.fixture
async def plain(url: str) -> AsyncIterator[Pool]:
    await migrate(url)
    async with open_pool(url, DatabaseSettings()) as pool:
        yield pool


async def test_migrations_need_no_pgvector(url: str, plain: Pool) -> None:
    with psycopg.connect(url) as connection:
        (count,) = connection.execute("select count(*) from coursewright.migrations").fetchone() or (0,)
        assert connection.execute("select 1 from pg_available_extensions where name = 'vector'").fetchone() is None
    assert count == len(migrations())


async def test_search_is_by_words_and_an_embedder_is_not_asked(plain: Pool) -> None:
    store, stub = DocumentStore(plain), Stub()
    await store.add_knowledge_base(OURS, BASE, "Bees")
    await keep_all_languages(store)
    retriever = Retriever(plain, stub)
    assert await retriever.embed(OURS, BASE) == 0
    for name, (_, question, heading) in LANGUAGES.items():
        hits = await retriever.search(OURS, BASE, question)
        assert (hits[0].passage.document, hits[0].passage.heading_path[-1]) == (name, heading)
        assert hits[0].dense_rank is None
    assert stub.seen == []


def test_doctor_says_what_is_missed_and_how_to_get_it(url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "coursewright", "doctor"],
        env=os.environ | {"DATABASE_URL": url, "NO_COLOR": "1", "COLUMNS": "200"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "! pgvector is missing: passages are found by words only" in done.stdout
    assert "apt install postgresql-" in done.stdout
