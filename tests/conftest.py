"""What every test may use: a real Postgres, migrated; and a network that is closed but for this machine.

Each test that asks for `database_url` or `pool` gets a database of its own, cloned from a template that is migrated
once for each test worker. `COURSEWRIGHT_TEST_DATABASE_URL` (a role that may create databases) replaces the embedded
server.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from coursewright.db import guardian
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


_ROOM = 3 << 30  # bytes; a third of it is used
_FOLDER = "COURSEWRIGHT_TEST_FOLDER"  # of the server; set by the first process, inherited by those of pytest-xdist


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the server.

    Not below pytest's own temporary folder: every other run of pytest closes that to all users but the one who runs
    it, and as root the server is another user.
    """
    # Whoever starts the tests in the background of a script makes them, and all their children, deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith(("OPENAI_", "ANTHROPIC_", "COURSEWRIGHT_PROVIDERS"))]:
        del os.environ[name]  # nothing here may spend, whatever key lies about
    if _FOLDER not in os.environ:
        os.environ[_FOLDER] = tempfile.mkdtemp(prefix="coursewright-tests-", dir=_memory())
        config.add_cleanup(_remove_folder)


def _memory() -> str | None:
    """Return a folder in memory with room for the server: the database of each test is hundreds of files."""
    folder = "/dev/shm"
    return folder if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM else None


def _remove_folder() -> None:
    folder = Path(os.environ.pop(_FOLDER))
    guardian.wait_until_down(folder, guardian.FAST_STOP_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """URL of a server where databases may be created; shared by all workers of pytest-xdist."""
    if given := os.environ.get("COURSEWRIGHT_TEST_DATABASE_URL"):
        yield given
        return
    with running_server(Path(os.environ[_FOLDER])) as url:
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
def cloned(server: str, template: str, worker_id: str) -> Iterator[str]:
    name = f"coursewright_test_{worker_id}_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            # Half the time of the usual way, which writes all of the template into the log.
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield _in_database(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(database_server: str, template_database: str, worker_id: str) -> Iterator[str]:
    """URL of a migrated database that only this test uses."""
    with cloned(database_server, template_database, worker_id) as url:
        yield url


@pytest.fixture
def empty_database_url(database_server: str, worker_id: str) -> Iterator[str]:
    """URL of a database without any table, for tests of the migrations."""
    with cloned(database_server, "template0", worker_id) as url:
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
