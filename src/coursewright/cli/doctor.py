"""`doctor`: looks at what the program needs, one line a thing, each with its remedy."""

from __future__ import annotations

import asyncio
import os
import platform
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from coursewright import __version__
from coursewright.cli.console import count, say, stdout, tell
from coursewright.cli.exits import EXIT_CODES
from coursewright.cli.options import DataDir, settings
from coursewright.errors import CoursewrightError

if TYPE_CHECKING:
    import psycopg

    from coursewright.settings import Settings

_SCARCE_BYTES = 1 << 30


def doctor(data_dir: DataDir = None) -> None:
    """Check what is needed, and say how to mend what is not there.

    ✓ is fine, ! works with less, ✗ must be mended. Starts the embedded Postgres to see that it runs.
    """
    if not asyncio.run(_doctor(settings(data_dir))):
        raise typer.Exit(EXIT_CODES["database_unavailable"])


async def _doctor(configured: Settings) -> bool:
    from coursewright.db.embedded import embedded_postgres

    cores = count(os.cpu_count() or 1, "core")
    _line("✓", f"Coursewright {__version__}, Python {platform.python_version()}, {cores}")
    _disk(Path.cwd() if configured.database_url else configured.data_dir)
    try:
        if configured.database_url:
            sound = await _server(configured.database_url.get_secret_value(), "from DATABASE_URL", configured)
        else:
            async with embedded_postgres(configured.data_dir) as url:
                reached = f"By SQL, as long as a command of Coursewright runs:\npsql {shlex.quote(url)}"
                sound = await _server(url, f"embedded in {configured.data_dir}", configured, reached)
    except CoursewrightError as error:
        _line("✗", error.detail, error.hint)
        sound = False
    _embedder(configured)
    return sound


def _disk(folder: Path) -> None:
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    if free < _SCARCE_BYTES:
        _line("!", f"{free / 1e6:,.0f} MB of disk free in {nearest}", "Make room: a large course needs some 100 MB.")
    else:
        _line("✓", f"{free / 1e9:,.0f} GB of disk free")


async def _server(url: str, where: str, configured: Settings, reached: str = "") -> bool:
    """Look at the server itself, its extensions and the schema; tell whether it can be used."""
    from coursewright.db.migrate import migrations, pending

    if not await asyncio.to_thread(_ask, url, where, reached):
        return False
    missing = await pending(url, settings=configured.database)
    if len(missing) == len(migrations()):
        _line("✓", "The database is new; the next command makes its tables")
    elif missing:
        _line(
            "!",
            f"The schema lacks {count(len(missing), 'migration')}",
            "`coursewright migrate`, or any command, applies them.",
        )
    else:
        _line("✓", "The schema is up to date")
        await _queue(url, configured)
    return True


async def _queue(url: str, configured: Settings) -> None:
    """Say what keeps the queue from getting on, or that it gets on."""
    from coursewright.db.pool import open_pool
    from coursewright.operations import Operations
    from coursewright.troubles import troubles

    data_dir = None if configured.database_url else configured.data_dir
    async with open_pool(url, configured.database) as pool:
        operations = Operations(pool, url, month_budget=configured.gateway.month_budget, data_dir=data_dir)
        measures, _ = await operations.measures()
        found = await troubles(pool, measures)
    for trouble in found:
        _line("!", trouble.what, trouble.fix)
    values = {(each.name, *each.labels): round(each.value) for each in measures}
    running, waiting = values["jobs", "processing"], values["jobs", "queued"]
    told = f"{count(values['workers',], 'worker')}, {count(running, 'job')} under way, {waiting:,} waiting"
    _line("!" if found else "✓", f"The queue: {told}")


def _ask(url: str, where: str, reached: str) -> bool:
    from coursewright.db.migrate import OLDEST_SERVER
    from coursewright.db.pool import connect_sync

    with connect_sync(url) as connection:
        version = connection.info.server_version
        name = f"Postgres {version // 10000}.{version % 10000}, {where}"
        if version < OLDEST_SERVER:
            _line("✗", name, "Use Postgres 15 or newer.")
            return False
        _line("✓", name, reached)
        _vector(connection)
        return _isolation(connection)


def _isolation(connection: psycopg.Connection[Any]) -> bool:
    """The queue's functions look again after each lock: at a higher level they would see what was before it."""
    from psycopg import sql

    row = connection.execute(
        "select setting, source, current_user, current_database() from pg_settings "
        "where name = 'default_transaction_isolation'"
    ).fetchone()
    if row is None or row[0] == "read committed":
        return True
    level, source, role, database = row
    fix = sql.SQL("alter role {} in database {} set default_transaction_isolation = 'read committed';").format(
        sql.Identifier(role), sql.Identifier(database)
    )
    told = "Take it out of the options in DATABASE_URL or PGOPTIONS." if source == "client" else fix.as_string()
    _line("✗", f"Transactions are {level}, and the queue needs read committed", told)
    return False


def _vector(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("select installed_version from pg_available_extensions where name = 'vector'").fetchone()
    if row is None:
        major = connection.info.server_version // 10000
        _line(
            "!",
            "pgvector is missing: passages are found by words only",
            f"To find them by meaning too, install it on the server (Debian: apt install postgresql-{major}-pgvector).",
        )
        return
    may = connection.execute("select has_database_privilege(current_database(), 'create')").fetchone()
    if row[0] or (may and may[0]):
        _line("✓", "pgvector is there")
    else:
        _line("!", "pgvector is there, but not installed in this database", "As its owner: create extension vector;")


def _embedder(configured: Settings) -> None:
    from coursewright.documents.embed import MiniLM, missing_packages

    name = configured.documents.embedder
    if not name:
        return
    if name != MiniLM.name:
        _line("✗", f"There is no embedder {name}", f"COURSEWRIGHT_DOCUMENTS__EMBEDDER may be {MiniLM.name} or empty.")
    elif missing := missing_packages():
        _line("!", f"Embedder {name} lacks {', '.join(missing)}", "pip install 'coursewright[embeddings]'")
    else:
        _line("✓", f"Embedder {name}: English passages are found by meaning too")


def _line(mark: str, text: str, fix: str = "") -> None:
    say(mark, text, to=stdout)
    if fix:
        tell(fix, to=stdout)


__all__ = ["doctor"]
