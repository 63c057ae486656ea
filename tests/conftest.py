"""What every test may use: a real Postgres, migrated; and a network that is closed but for this machine.

Each test that asks for `database_url` or `pool` gets a database of its own, cloned from a template that is migrated
once for each test worker. `COURSEWRIGHT_TEST_DATABASE_URL` (a role that may create databases) replaces the embedded
server.
"""

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from coursewright.db.embedded import running_server
from coursewright.db.migrate import migrate
from coursewright.db.pool import Pool, open_pool
from coursewright.settings import DatabaseSettings


def _refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"} or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    with contextlib.suppress(ValueError):
        if ip_address(host).is_loopback:
            return
    if host != "localhost":
        raise PermissionError(f"tests may not open a connection to {host}")


sys.addaudithook(_refuse_network)


def _in_database(url: str, name: str) -> str:
    return make_conninfo(url, dbname=name)


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """URL of a server where databases may be created; shared by all workers of pytest-xdist."""
    if given := os.environ.get("COURSEWRIGHT_TEST_DATABASE_URL"):
        yield given
        return
    base = tmp_path_factory.getbasetemp()
    with running_server((base if worker_id == "master" else base.parent) / "postgres") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("alter system set fsync = off")  # nothing here has to survive a power cut
            connection.execute("select pg_reload_conf()")
        yield url


@pytest.fixture(scope="session")
def template_database(database_server: str, worker_id: str) -> Iterator[str]:
    """Name of this worker's migrated template."""
    name = f"coursewright_template_{worker_id}_{os.getpid()}"
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        asyncio.run(migrate(_in_database(database_server, name)))
        yield name
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


_numbers = itertools.count()


@contextlib.contextmanager
def _cloned(server: str, template: str, worker_id: str) -> Iterator[str]:
    name = f"coursewright_test_{worker_id}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    try:
        yield _in_database(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(database_server: str, template_database: str, worker_id: str) -> Iterator[str]:
    """URL of a migrated database that only this test uses."""
    with _cloned(database_server, template_database, worker_id) as url:
        yield url


@pytest.fixture
def empty_database_url(database_server: str, worker_id: str) -> Iterator[str]:
    """URL of a database without any table, for tests of the migrations."""
    with _cloned(database_server, "template0", worker_id) as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on `database_url`."""
    async with open_pool(database_url, DatabaseSettings()) as opened:
        yield opened


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"
