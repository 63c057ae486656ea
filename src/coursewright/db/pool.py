"""Connections: a pool for async code, single ones for the heartbeat's thread. Correct through a transaction pooler.

`prepare_threshold=None`: a prepared statement would be sought on another server connection. No session state.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
import psycopg_pool
from psycopg.rows import TupleRow

from coursewright.errors import ConfigurationError, DatabaseUnavailable
from coursewright.settings import DatabaseSettings

Connection: TypeAlias = psycopg.AsyncConnection[TupleRow]


class Pool(Protocol):
    """Lends connections: all rights, or those of one organisation (`db.scope`)."""

    def connection(self) -> AbstractAsyncContextManager[Connection]: ...


# Other programs' words in the same variable (Prisma, Supabase's dashboard); libpq refuses what it does not know.
_FOREIGN_PARAMETERS = frozenset({"pgbouncer", "connection_limit", "pool_timeout", "schema", "supa"})

# Lost or refused connections, shutdown, too many connections, full disk: classes 08, 53 and the 57P group. 25006: the
# server has become one that is only read, after a failover or because its disk is nearly full.
_UNAVAILABLE = ("08", "53", "57P", "25006")

# Deadlock or serialization failure, lock timeout, statement timeout.
_IN_THE_WAY = ("40", "55P03", "57014")

_HINT = "Is Postgres running, and is DATABASE_URL right? Without DATABASE_URL an embedded Postgres is used."


@contextlib.asynccontextmanager
async def open_pool(url: str, settings: DatabaseSettings) -> AsyncIterator[Pool]:
    """Open a pool and close it on leaving. One statement is one transaction; `transaction` groups several.

    Raises DatabaseUnavailable.
    """
    options = _options(settings)
    url = libpq(url)
    # One connection by hand first: the pool would say only that it timed out, not why.
    with mapped_errors():
        await (await psycopg.AsyncConnection.connect(url, **options)).close()
    pool: psycopg_pool.AsyncConnectionPool[Connection] = psycopg_pool.AsyncConnectionPool(
        url,
        min_size=1,
        max_size=settings.pool_size,
        timeout=settings.connect_timeout,
        kwargs=options | {"autocommit": True},
        name="coursewright",
        open=False,
    )
    try:
        with mapped_errors():
            await pool.open()
        yield _Cancellable(pool)
    finally:
        await pool.close()


class _Cancellable:
    """A pool that a task can be cancelled at.

    In Python 3.11 `asyncio.wait_for`, by which the pool waits, drops a cancellation that comes together with the
    connection: the task would go on, and whoever cancelled it wait for ever.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        async with self._pool.connection() as connection:
            if task and task.cancelling() > before:
                raise asyncio.CancelledError
            try:
                yield connection
            except psycopg.errors.ReadOnlySqlTransaction:
                await connection.close()  # the next one may lead to the server that took over
                raise


@contextlib.asynccontextmanager
async def connected(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection on which each statement is a transaction. Raises DatabaseUnavailable."""
    with mapped_errors():
        async with pool.connection() as connection:
            yield connection


@contextlib.asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection in a transaction: committed on leaving, rolled back on an error."""
    with mapped_errors():
        async with pool.connection() as connection, connection.transaction():
            yield connection


def connect_sync(url: str, settings: DatabaseSettings | None = None) -> psycopg.Connection[TupleRow]:
    """Connect without an event loop, in autocommit (the heartbeat's thread). Raises DatabaseUnavailable."""
    with mapped_errors():
        return psycopg.connect(libpq(url), autocommit=True, **_options(settings or DatabaseSettings()))


async def connect(url: str, settings: DatabaseSettings) -> psycopg.AsyncConnection[Any]:
    """Connect outside of the pool, in autocommit (a listener keeps its connection). Raises DatabaseUnavailable."""
    with mapped_errors():
        return await psycopg.AsyncConnection.connect(libpq(url), autocommit=True, **_options(settings))


async def is_pooled(connection: psycopg.AsyncConnection[Any]) -> bool:
    """Tell whether a pooler stands between: it gives its clients numbers of processes that the server does not have.

    LISTEN through one delivers nothing and stays behind on a server connection that others are lent next.
    """
    row = await (await connection.execute("select pg_backend_pid()")).fetchone()
    return row is None or row[0] != connection.info.backend_pid


@contextlib.contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn failures of the connection, not of a statement, into DatabaseUnavailable."""
    try:
        yield
    except psycopg_pool.PoolTimeout as error:
        raise DatabaseUnavailable(f"No connection to Postgres came free: {error}", hint=_HINT) from error
    except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction) as error:
        if is_unavailable(error):
            raise DatabaseUnavailable(f"Postgres cannot be reached: {_first_line(error)}", hint=_HINT) from error
        raise


def is_unavailable(error: BaseException) -> bool:
    """Tell whether an error says that the database is away, rather than that a statement is wrong."""
    if isinstance(error, psycopg.Error):
        if error.sqlstate is None:
            return isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return error.sqlstate.startswith(_UNAVAILABLE)
    return isinstance(error, (psycopg_pool.PoolTimeout, DatabaseUnavailable))


def is_passing(error: BaseException) -> bool:
    """Tell whether the same statement may succeed later: the database is away, or others were in the way."""
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return error.sqlstate.startswith(_UNAVAILABLE) or error.sqlstate.startswith(_IN_THE_WAY)
    return is_unavailable(error)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _options(settings: DatabaseSettings) -> dict[str, Any]:
    return {
        "prepare_threshold": None,
        "application_name": "coursewright",
        "tcp_user_timeout": 10_000,  # milliseconds: a server that freezes is noticed before the leases expire
        "connect_timeout": max(2, round(settings.connect_timeout)),  # libpq takes whole seconds, 2 at least
    }


def libpq(url: str) -> str:
    """Drop the parameters that libpq does not know, and say clearly when the rest is no URL of Postgres."""
    if "://" in url:
        parts = urlsplit(url)
        kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in _FOREIGN_PARAMETERS]
        url = urlunsplit(parts._replace(query=urlencode(kept)))
        if not parts.netloc and kept:  # urlunsplit would drop the slashes of postgresql:///name
            url = f"{parts.scheme}://{parts.path}?{urlencode(kept)}"
        elif not parts.netloc:
            url = f"{parts.scheme}://{parts.path}"
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        # Not the text of the error: it may quote the password.
        raise ConfigurationError(
            "The database URL is not one that Postgres understands.", hint="Write postgresql://user:password@host/name."
        ) from error
    return url


__all__ = [
    "Connection",
    "Pool",
    "connect",
    "connect_sync",
    "connected",
    "is_passing",
    "is_pooled",
    "is_unavailable",
    "libpq",
    "mapped_errors",
    "open_pool",
    "transaction",
]
