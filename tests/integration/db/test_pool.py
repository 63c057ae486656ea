"""The pool: transactions, refused connections, a server that goes away."""

import asyncio
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from coursewright.db.pool import Pool, connect_sync, connected, open_pool, transaction
from coursewright.db.queries import fetch_all, fetch_one
from coursewright.errors import ConfigurationError, DatabaseUnavailable
from coursewright.settings import DatabaseSettings


@dataclass(frozen=True)
class Pair:
    left_part: int
    right_part: str


SETTINGS = DatabaseSettings(pool_size=2, connect_timeout=2)


async def _insert_and_fail(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("insert into made values (1)")
        raise RuntimeError("boom")


async def test_a_transaction_is_committed_or_rolled_back_whole(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await connection.execute("create table made (id int)")
    with pytest.raises(RuntimeError, match="boom"):
        await _insert_and_fail(pool)
    async with transaction(pool) as connection:
        rows = await (await connection.execute("select count(*) from made")).fetchone()
    assert rows == (0,)


async def test_nothing_is_prepared_on_the_server(pool: Pool) -> None:
    async with transaction(pool) as connection:
        for _ in range(10):
            await connection.execute("select %s::int", [1])
        rows = await (await connection.execute("select count(*) from pg_prepared_statements")).fetchone()
    assert rows == (0,)


async def test_an_unreachable_server_is_explained() -> None:
    with pytest.raises(DatabaseUnavailable, match="cannot be reached") as caught:
        async with open_pool("postgresql://nobody@127.0.0.1:1/none", SETTINGS):
            pass
    assert "DATABASE_URL" in caught.value.hint


async def test_a_database_that_does_not_exist_is_explained(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        async with open_pool(make_conninfo(database_url, dbname="absent"), SETTINGS):
            pass


async def test_a_url_that_is_none_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigurationError) as caught:
        async with open_pool("postgresql://user:secret@host:port:1/x?nonsense=1", SETTINGS):
            pass
    assert "secret" not in caught.value.detail + caught.value.hint


async def test_a_connection_that_the_server_ends_is_reported_and_replaced(pool: Pool) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with transaction(pool) as connection:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
    async with transaction(pool) as connection:
        await connection.execute("select 1")


async def test_a_statements_own_error_passes_through(pool: Pool) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with transaction(pool) as connection:
            await connection.execute("select 1 / 0")


def test_words_of_other_programs_in_the_url_are_dropped(database_server: str) -> None:
    separator = "&" if "?" in database_server else "?"
    with connect_sync(f"{database_server}{separator}pgbouncer=true&connection_limit=1") as connection:
        assert connection.autocommit
        assert connection.execute("select 1").fetchone() == (1,)


async def test_rows_become_dataclasses(pool: Pool) -> None:
    query = "select n as left_part, n::text as right_part from generate_series(1, %(last)s) as n"
    async with transaction(pool) as connection:
        assert await fetch_all(connection, Pair, query, {"last": 2}) == [Pair(1, "1"), Pair(2, "2")]
        assert await fetch_one(connection, Pair, query, {"last": 0}) is None


async def test_a_cancellation_that_comes_together_with_a_connection_is_not_lost(database_url: str) -> None:
    """Whatever turn of the event loop it comes in; else whoever cancels a duty waits for it for ever."""

    async def stay(pool: Pool) -> None:
        async with connected(pool):
            await asyncio.Event().wait()

    async with open_pool(database_url, DatabaseSettings(pool_size=1)) as pool:
        for turns in range(30):
            async with connected(pool):
                staying = asyncio.create_task(stay(pool))
                for _ in range(5):
                    await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            staying.cancel()
            await asyncio.wait([staying], timeout=5)
            was_cancelled = staying.cancelled()
            staying.cancel()
            assert was_cancelled, turns


async def test_a_server_that_is_only_read_is_unavailable_and_its_connections_are_left(database_url: str) -> None:
    """As after a failover, or when a host nears the end of its disk."""
    with connect_sync(database_url) as other:
        name = other.info.dbname
        other.execute("create table made (id int)")
        other.execute(f'alter database "{name}" set default_transaction_read_only = on'.encode())
        async with open_pool(database_url, DatabaseSettings(pool_size=1)) as pool:
            with pytest.raises(DatabaseUnavailable, match="read-only"):
                async with connected(pool) as connection:
                    await connection.execute("insert into made values (1)")
            other.execute(f'alter database "{name}" reset default_transaction_read_only'.encode())
            async with connected(pool) as connection:
                await connection.execute("insert into made values (1)")
