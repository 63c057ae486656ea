"""Migrations on a real Postgres: order, checksums, newer schemas, two at once, a role that is no superuser."""

import asyncio
import socket

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from coursewright.db.migrate import Migration, migrate, migrations, pending, print_sql
from coursewright.errors import DatabaseUnavailable, MigrationError
from coursewright.settings import DatabaseSettings

ONE = Migration("0001_one", "create table one (id int); insert into one values (1);")
TWO = Migration("0002_two", "create table two (id int); insert into two select id from one;")


async def test_the_programs_migrations_are_applied_once(empty_database_url: str) -> None:
    names = [step.name for step in migrations()]
    assert names
    assert await pending(empty_database_url) == names
    assert await migrate(empty_database_url) == names
    assert await migrate(empty_database_url) == []
    assert await pending(empty_database_url) == []


async def test_only_what_is_missing_is_applied(empty_database_url: str) -> None:
    assert await migrate(empty_database_url, [ONE]) == ["0001_one"]
    assert await migrate(empty_database_url, [ONE, TWO]) == ["0002_two"]


async def test_a_failing_migration_leaves_nothing_behind(empty_database_url: str) -> None:
    broken = Migration("0002_two", "create table two (id int); select 1 / 0;")
    with pytest.raises(MigrationError, match="0002_two failed"):
        await migrate(empty_database_url, [ONE, broken])
    assert await migrate(empty_database_url, [ONE, TWO]) == ["0002_two"]


async def test_a_changed_file_is_refused(empty_database_url: str) -> None:
    await migrate(empty_database_url, [ONE])
    with pytest.raises(MigrationError, match="have changed since: 0001_one"):
        await migrate(empty_database_url, [Migration("0001_one", ONE.text + " ")])


async def test_a_newer_schema_is_refused(empty_database_url: str) -> None:
    await migrate(empty_database_url, [ONE, TWO])
    with pytest.raises(MigrationError, match="newer version"):
        await migrate(empty_database_url, [ONE])


async def test_several_at_once_apply_each_file_once(empty_database_url: str) -> None:
    done = await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))
    assert sorted(name for names in done for name in names) == [step.name for step in migrations()]


async def test_a_role_that_is_no_superuser_suffices(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(
            "do $$ begin create role plain_owner login; exception when duplicate_object then null; end $$"
        )
        connection.execute(f"alter database {connection.info.dbname} owner to plain_owner".encode())
    await migrate(make_conninfo(empty_database_url, user="plain_owner"))


async def test_the_printed_script_does_the_same(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(print_sql().encode())
    assert await pending(empty_database_url) == []


async def test_what_runs_with_the_owners_rights_looks_into_temporary_schemas_last(database_url: str) -> None:
    """Where pg_temp is not named it comes first: whoever may make a temporary domain could lend the owner a type."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select oid::regprocedure::text, proconfig from pg_proc where prosecdef"
            " and pronamespace in ('public'::regnamespace, 'coursewright'::regnamespace)"
        ).fetchall()
    assert rows
    assert [name for name, set_to in rows if "search_path=pg_catalog, pg_temp" not in (set_to or [])] == []


async def test_a_server_that_never_answers_is_given_up() -> None:
    """As behind a firewall that drops: who starts must end and say why, and be started anew."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none"
        for ask in (migrate, pending):
            async with asyncio.timeout(30):
                with pytest.raises(DatabaseUnavailable, match="timeout expired"):
                    await ask(url, settings=DatabaseSettings(connect_timeout=2))
