"""Running and looking after the program: `worker`, `migrate`, `config`, `doctor`."""

import asyncio
import os
import platform
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import psycopg
import typer
from rich.markup import escape

from coursewright import __version__
from coursewright.app import open_coursewright
from coursewright.cli.console import print_json, stderr, stdout
from coursewright.cli.generate import DataDir, Json, settings
from coursewright.db.embedded import embedded_postgres
from coursewright.db.migrate import migrate as apply_migrations
from coursewright.db.migrate import print_sql as migrations_as_sql
from coursewright.db.pool import connect_sync
from coursewright.errors import CoursewrightError
from coursewright.settings import Settings, WorkerSettings


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command()(worker)
    app.command()(migrate)
    app.command()(config)
    app.command()(doctor)


def worker(
    concurrency: Annotated[int | None, typer.Option(help="Tasks at once.", min=1)] = None, data_dir: DataDir = None
) -> None:
    """Carry out tasks of all jobs until stopped; SIGTERM lets running tasks finish.

    [dim]DATABASE_URL=postgresql://… coursewright worker --concurrency 20[/]
    """
    configured = settings(data_dir)
    if concurrency:
        section = WorkerSettings.model_validate(configured.worker.model_dump() | {"concurrency": concurrency})
        configured = configured.model_copy(update={"worker": section})
    asyncio.run(_worker(configured))


def migrate(
    print_sql: Annotated[bool, typer.Option("--print-sql", help="Print the SQL instead of running it.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the database's schema up to date.

    [dim]DATABASE_URL=postgresql://… coursewright migrate[/]
    """
    if print_sql:
        sys.stdout.write(migrations_as_sql())
        return
    asyncio.run(_migrate(settings(data_dir)))


def config(data_dir: DataDir = None, json: Json = False) -> None:
    """Print the settings in force; secrets are stars.

    [dim]coursewright config --json[/]
    """
    values = settings(data_dir).model_dump(mode="json")
    if json:
        print_json(values)
        return
    for name, value in _flat(values):
        sys.stdout.write(f"{name} = {value}\n")


def doctor(data_dir: DataDir = None) -> None:
    """Check that everything needed is here, and say how to mend what is not.

    [dim]coursewright doctor[/]
    """
    if not asyncio.run(_doctor(settings(data_dir))):
        raise typer.Exit(69)


async def _worker(configured: Settings) -> None:
    async with open_coursewright(configured) as program:
        running = program.worker()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, running.stop)
        stderr.print(f"Worker {running.name}: {configured.worker.concurrency} tasks at once. Ctrl-C stops it.")
        await running.run()


async def _migrate(configured: Settings) -> None:
    if configured.database_url:
        applied = await apply_migrations(configured.database_url.get_secret_value())
    else:
        async with embedded_postgres(configured.data_dir) as url:
            applied = await apply_migrations(url)
    stderr.print(f"[green]✓[/] {', '.join(applied) if applied else 'The schema is up to date.'}")


async def _doctor(configured: Settings) -> bool:
    _say("✓", f"Coursewright {__version__}, Python {platform.python_version()}, {os.cpu_count()} cores")
    free = shutil.disk_usage(configured.data_dir.parent.resolve()).free
    if free < 1 << 30:
        _say("!", f"only {free / 1e6:.0f} MB of disk are free", "Make room: a course needs some tens of MB.")
    else:
        _say("✓", f"{free / 1e9:.0f} GB of disk free")
    try:
        if configured.database_url:
            await asyncio.to_thread(_ask_server, configured.database_url.get_secret_value())
        else:
            async with embedded_postgres(configured.data_dir) as url:
                await asyncio.to_thread(_ask_server, url)
    except CoursewrightError as error:
        _say("✗", error.detail, error.hint)
        return False
    return True


def _ask_server(url: str) -> None:
    with connect_sync(url) as connection:
        version = connection.info.server_version
        where = "embedded" if "host=%2F" in url or "host=/" in url else "by DATABASE_URL"
        mark = "✓" if version >= 150000 else "✗"
        _say(mark, f"Postgres {version // 10000}.{version % 100}, {where}", "" if mark == "✓" else "Use Postgres 15+.")
        _say_vector(connection)


def _say_vector(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute("select 1 from pg_available_extensions where name = 'vector'").fetchone()
    if row:
        _say("✓", "pgvector is available")
    else:
        _say("!", "pgvector is not available: search is by words only", "Install pgvector to search by meaning.")


def _say(mark: str, text: str, fix: str = "") -> None:
    colour = {"✓": "green", "!": "yellow", "✗": "red"}[mark]
    stdout.print(f"[{colour}]{mark}[/] {escape(text)}", soft_wrap=True)
    if fix:
        stdout.print(f"  {escape(fix)}", soft_wrap=True)


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
