"""Looking after the program: `migrate`, `config`, `doctor`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coursewright.cli.console import print_json, say
from coursewright.cli.doctor import doctor
from coursewright.cli.help import Command
from coursewright.cli.options import DataDir, Json, settings

if TYPE_CHECKING:
    from coursewright.settings import Settings

_PANEL = "Run and check the program"


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
DATABASE_URL=postgresql://… coursewright migrate
coursewright migrate --print-sql > coursewright.sql  # for a migration tool""",
    )(migrate)
    app.command(cls=Command, rich_help_panel=_PANEL, epilog="coursewright config --json")(config)
    app.command(cls=Command, rich_help_panel=_PANEL, epilog="coursewright doctor")(doctor)


def migrate(
    print_sql: Annotated[
        bool, typer.Option("--print-sql", help="Print the SQL; run nothing and reach no database.", metavar="")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the database's schema up to date."""
    if print_sql:
        from coursewright.db.migrate import print_sql as migrations_as_sql

        sys.stdout.write(migrations_as_sql())
        return
    asyncio.run(_migrate(settings(data_dir)))


def config(json: Json = False, data_dir: DataDir = None) -> None:
    """Print the settings in force, with secrets as stars."""
    values = settings(data_dir).model_dump(mode="json")
    if json:
        print_json(values)
        return
    for name, value in _flat(values):
        sys.stdout.write(f"{name} = {'' if value is None else value}\n")


async def _migrate(configured: Settings) -> None:
    from coursewright.db.embedded import embedded_postgres
    from coursewright.db.migrate import migrate as apply_migrations

    if configured.database_url:
        applied = await apply_migrations(configured.database_url.get_secret_value(), settings=configured.database)
    else:
        async with embedded_postgres(configured.data_dir) as url:
            applied = await apply_migrations(url, settings=configured.database)
    for name in applied:
        say("✓", name)
    if not applied:
        say("✓", "The schema is up to date.")


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


__all__ = ["register"]
