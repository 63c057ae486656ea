"""Brings the schema up to date: forward-only files, each in one transaction, with a stored checksum.

The lock is a transaction's, so it excludes others through a transaction pooler too.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import LiteralString

import psycopg

from coursewright.db.pool import Connection, connect, mapped_errors
from coursewright.errors import MigrationError
from coursewright.settings import DatabaseSettings

OLDEST_SERVER = 150000
_LOCK = 0x636F7572736577  # any constant number that no other program is likely to use: "coursew"

_BOOKKEEPING = """
do $$
begin
    -- "if not exists" asks for the right to create even when nothing is to be done
    if to_regnamespace('coursewright') is null then
        create schema coursewright;
    end if;
    if to_regclass('coursewright.migrations') is null then
        create table coursewright.migrations (
            name text primary key,
            checksum text not null,
            applied_at timestamptz not null default now()
        );
    end if;
end
$$;
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name without the ending, and its text."""

    name: str
    text: LiteralString

    @property
    def checksum(self) -> str:
        """Hash the text, whatever the line ends of the checkout."""
        return hashlib.sha256(self.text.replace("\r\n", "\n").encode()).hexdigest()


def migrations() -> list[Migration]:
    """Read the program's migrations, in order."""
    found = (files("coursewright.db") / "migrations").iterdir()
    texts = {path.name: path.read_text(encoding="utf-8") for path in found if path.name.endswith(".sql")}
    return [Migration(name.removesuffix(".sql"), texts[name]) for name in sorted(texts)]


async def migrate(
    url: str, steps: list[Migration] | None = None, *, settings: DatabaseSettings | None = None
) -> list[str]:
    """Apply what is missing and return the names. Safe to run from several processes at once.

    Raises MigrationError when an applied file was changed, when the schema is newer than the program, or when a
    migration fails (nothing of it stays).
    """
    steps = migrations() if steps is None else steps
    async with await _connect(url, settings) as connection:
        stored = await _stored(connection)
        _compare(stored, steps)
        if len(stored) == len(steps):  # the usual case, and a host that wakes for every request has no time for more
            return []
        return [step.name for step in steps if await _apply(connection, step, steps)]


async def pending(url: str, *, settings: DatabaseSettings | None = None) -> list[str]:
    """Name the migrations that are missing, changing nothing. Raises MigrationError like `migrate`."""
    steps = migrations()
    async with await _connect(url, settings) as connection:
        stored = await _stored(connection)
    _compare(stored, steps)
    return [step.name for step in steps if step.name not in stored]


def print_sql() -> str:
    """Return all migrations as one script for another tool (the Supabase CLI), bookkeeping included."""
    parts = [_BOOKKEEPING]
    for step in migrations():
        note = f"insert into coursewright.migrations (name, checksum) values ('{step.name}', '{step.checksum}');"  # noqa: S608 (our own file's)
        parts.append(f"-- {step.name}\n\n{step.text.strip()}\n\n{note}\n")
    return "\n".join(parts)


async def _connect(url: str, settings: DatabaseSettings | None) -> Connection:
    connection = await connect(url, settings or DatabaseSettings())
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        await connection.close()
        raise MigrationError(f"This is Postgres {version}.", hint="Use Postgres 15 or newer.")
    return connection


async def _apply(connection: Connection, step: Migration, steps: list[Migration]) -> bool:
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
            stored = await _stored(connection)
            _compare(stored, steps)
            if step.name in stored:
                return False
            await connection.execute(_BOOKKEEPING)
            await connection.execute(step.text)
            await connection.execute(
                "insert into coursewright.migrations (name, checksum) values (%s, %s)", [step.name, step.checksum]
            )
    except psycopg.Error as error:
        with mapped_errors():
            if isinstance(error, psycopg.OperationalError) and connection.closed:
                raise
        raise MigrationError(
            f"The migration {step.name} failed: {error}".strip(),
            hint="Nothing of it was kept. The role needs the right to create schemas and tables in this database.",
        ) from error
    return True


async def _stored(connection: Connection) -> dict[str, str]:
    # Not to_regclass: the server remembers for a while that a name was not there.
    query = "select from pg_tables where schemaname = 'coursewright' and tablename = 'migrations'"
    if await (await connection.execute(query)).fetchone() is None:
        return {}
    rows = await connection.execute("select name, checksum from coursewright.migrations order by name")
    return dict(await rows.fetchall())


def _compare(stored: dict[str, str], steps: list[Migration]) -> None:
    checksums = {step.name: step.checksum for step in steps}
    if unknown := sorted(stored.keys() - checksums.keys()):
        raise MigrationError(
            f"The database was migrated by a newer version of Coursewright ({', '.join(unknown)}).",
            hint="Update Coursewright, or use another database.",
        )
    if changed := sorted(name for name, checksum in stored.items() if checksums[name] != checksum):
        raise MigrationError(
            f"Migrations that were applied have changed since: {', '.join(changed)}.",
            hint="Restore the files as they were released; a new change needs a new file.",
        )


__all__ = ["Migration", "migrate", "migrations", "pending", "print_sql"]
