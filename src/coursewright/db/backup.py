"""Backup and restore of the embedded database, with the programs of Postgres that come with it.

A backup is an archive of `pg_dump` (custom format): one consistent snapshot, taken while others work. A restore builds
new data beside the old and swaps them at the end, so that what fails leaves everything as it was; what it replaces is
moved aside, not deleted.
"""

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from coursewright.db import cluster, guardian
from coursewright.db.embedded import embedded_postgres
from coursewright.db.migrate import migrate
from coursewright.db.pool import connect_sync
from coursewright.db.queries import sql
from coursewright.errors import Conflict, InputError, OutputError

_MAGIC = b"PGDMP"
_SECONDS_TO_STOP = 90.0
_NOTE = re.compile(r"^;\s+Dumped from database version: (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: jobs that are there now, those of them that go on, and where the data before it lie."""

    jobs: int
    unfinished: int
    moved_to: Path | None


async def backup(data_dir: Path, target: Path) -> int:
    """Write all data to a file, which appears when it is complete; return its size in bytes.

    Raises OutputError, Conflict (there is such a file), DatabaseUnavailable.
    """
    async with embedded_postgres(data_dir) as url:
        return await asyncio.to_thread(_dump, url, target)


def _dump(url: str, target: Path) -> int:
    if target.exists():
        raise Conflict(f"{target} exists already.", hint="Choose another file, or remove it.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        partial = Path(name)
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        with os.fdopen(handle, "wb") as output:
            _run(["pg_dump", "--format=custom", "--no-owner", "--dbname", url], output=output)
            output.flush()
            os.fsync(output.fileno())
        partial.replace(target)
        return target.stat().st_size
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


async def restore(source: Path, folder: Path, *, replace: bool) -> Restored:
    """Put the data of a backup into a data folder; `replace` what is there, which is moved aside.

    Raises InputError (no backup, or of a newer version), Conflict (data are there, or in use), MigrationError.
    """
    building = await asyncio.to_thread(_prepare, source, folder, replace)
    try:
        async with embedded_postgres(building) as url:
            await asyncio.to_thread(_load, url, source)
            await migrate(url)  # a backup of an older version becomes current; that of a newer one is refused
            jobs, unfinished = await asyncio.to_thread(_settle, url)
        moved_to = await asyncio.to_thread(_swap, building, folder)
    finally:
        await asyncio.to_thread(_remove, building)
    return Restored(jobs, unfinished, moved_to)


def _prepare(source: Path, folder: Path, replace: bool) -> Path:
    """Refuse what cannot be done before anything is touched; return an empty folder to build in, beside the other."""
    _check(source)
    if (folder / "postgres").exists() and not replace:
        raise Conflict(
            f"There are data in {folder} already.",
            hint="Choose another --data-dir, or --replace them: they are moved aside, not deleted.",
        )
    if folder.exists():
        with _alone(folder):  # before minutes of work, not after
            pass
    building = folder.absolute().with_name(f"{folder.absolute().name}.restoring")
    _remove(building)
    return building


def _remove(building: Path) -> None:
    """Delete the folder; its guardian may need a moment to see that the server has no user any more."""
    if building.exists():
        guardian.wait_until_down(building, _SECONDS_TO_STOP)
    for _ in range(50):
        shutil.rmtree(building, ignore_errors=True)
        if not building.exists():
            return
        time.sleep(0.1)


def _swap(building: Path, folder: Path) -> Path | None:
    """Put the new data in place of the old, when nobody uses either; return where the old ones are now."""
    if not guardian.wait_until_down(building, _SECONDS_TO_STOP):
        raise Conflict("The restored database does not stop.", hint=f"Look at {building / 'postgres.log'}.")
    with _alone(folder):
        data = folder / "postgres"
        moved = None
        if data.exists():
            moved = data.with_name(f"{data.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            data.rename(moved)
        (building / "postgres").rename(data)
        return moved


def _check(source: Path) -> None:
    """Refuse what is no backup, or was made by a newer Postgres."""
    try:
        with source.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise InputError(
            f"{source} cannot be read: {error.strerror}.", hint="Name a file that `backup` wrote."
        ) from error
    if magic != _MAGIC:
        raise InputError(f"{source} is not a backup.", hint="Name a file that `coursewright backup` wrote.")
    try:
        contents = _run(["pg_restore", "--list", str(source.absolute())])
    except InputError as error:
        raise InputError(
            f"{source} cannot be restored here: {error.detail}",
            hint="It may be damaged, or written by a newer version: update Coursewright.",
        ) from error
    found = _NOTE.search(contents)
    if found and int(found[1]) > cluster.MAJOR_VERSION:
        raise InputError(
            f"{source} was written by Postgres {found[1]}; this program runs {cluster.MAJOR_VERSION}.",
            hint="Update Coursewright, or restore with that version's pg_restore into a Postgres of your own.",
        )


def _load(url: str, source: Path) -> None:
    with connect_sync(url) as connection:
        connection.execute(sql(__package__, "prepare_restore"))
    _run(["pg_restore", "--no-owner", "--exit-on-error", "--dbname", url, str(source.absolute())])


def _settle(url: str) -> tuple[int, int]:
    """End what was under way elsewhere when the backup was made; count the jobs, and those that are not finished."""
    with connect_sync(url) as connection:
        connection.execute(sql(__package__, "settle_restored"))
        row = connection.execute(sql(__package__, "count_restored")).fetchone()
    return (row[0], row[1]) if row else (0, 0)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep everybody out of a data folder. Raises Conflict when somebody uses it."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    with contextlib.ExitStack() as stack:
        for name in ("start.lock", "users.lock"):
            lock = guardian.open_lock(folder, name)
            stack.callback(os.close, lock)
            if not guardian.try_exclusive(lock):
                raise Conflict(f"{folder} is in use.", hint="Stop what uses it (serve, worker), then restore again.")
        guardian.stop_server(folder)  # its last user may have left a moment ago
        yield


def _run(command: list[str], output: IO[bytes] | None = None) -> str:
    """Run a program of Postgres; return what it printed. Raises InputError with what it said."""
    program = str(cluster.binaries() / command[0])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    done = subprocess.run(
        [program, *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        if any("No space left" in line for line in said):
            raise OutputError("The disk is full.", hint="Make room and run the command again.")
        raise InputError(f"{command[0]}: {said[0].removeprefix(command[0] + ': ').removeprefix('error: ')}")
    return done.stdout.decode(errors="replace") if done.stdout else ""


def _unwritable(target: Path, error: OSError) -> OutputError:
    return OutputError(f"{target} cannot be written: {error.strerror}.", hint="Choose another file.")


__all__ = ["Restored", "backup", "restore"]
