"""`backup` and `restore`: all data of the embedded database in one file, and back."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coursewright.cli.console import command, count, near, say, tell
from coursewright.cli.help import Command
from coursewright.cli.options import DataDir, settings
from coursewright.errors import ConfigurationError

if TYPE_CHECKING:
    from coursewright.settings import Settings

_PANEL = "Run and check the program"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright backup
coursewright backup /backups/monday.backup""",
    )(backup)
    app.command(
        cls=Command,
        rich_help_panel=_PANEL,
        epilog="""\
coursewright restore monday.backup --data-dir elsewhere
coursewright restore monday.backup --replace  # what is there is moved aside""",
    )(restore)


def backup(
    file: Annotated[
        Path | None, typer.Argument(help="File to write. Default: coursewright-DATE.backup.", metavar="FILE")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write all data of the embedded database to a file, while workers go on.

    The file holds documents, courses, answers of models and hashes of keys: keep it as safe as those.
    """
    from coursewright.db import backup as backups

    folder = _embedded(settings(data_dir), "pg_dump --format=custom")
    target = file or Path(f"coursewright-{datetime.now().astimezone():%Y%m%d-%H%M%S}.backup")
    size = asyncio.run(backups.backup(folder, target))
    say("✓", f"Wrote {near(target)}, {size / 1e6:,.1f} MB")


def restore(
    file: Annotated[Path, typer.Argument(help="File that `backup` wrote.", metavar="FILE")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the data that are there; they are moved aside.", metavar="")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Put the data of a backup into a data folder. Jobs that were under way go on from where they were."""
    from coursewright.db import backup as backups

    folder = _embedded(settings(data_dir), "pg_restore")
    restored = asyncio.run(backups.restore(file, folder, replace=replace))
    say("✓", f"Restored {count(restored.jobs, 'job')} into {near(folder)}")
    if restored.moved_to:
        say("!", f"What was there before is in {near(restored.moved_to)}; remove it when it is not needed any more.")
    if restored.unfinished:
        where = () if data_dir is None else ("--data-dir", data_dir)
        say("→", f"{count(restored.unfinished, 'job')} not finished. To go on:")
        tell(f"{command('worker', *where)}, or {command('resume', 'JOB', *where)}")


def _embedded(configured: Settings, instead: str) -> Path:
    if configured.database_url:
        raise ConfigurationError(
            "This is for the embedded database, and DATABASE_URL names another one.",
            hint=f"Use {instead} of that server; schemas public and coursewright belong together.",
        )
    return configured.data_dir


__all__ = ["register"]
