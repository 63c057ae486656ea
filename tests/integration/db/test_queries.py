"""Every query file of the package is understood by Postgres on the migrated schema."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus

import coursewright

PACKAGE = Path(coursewright.__file__).parent
FILES = sorted(PACKAGE.glob("**/sql/*.sql"))


def numbered(text: str) -> str:
    """Write `%(name)s` as `$1`, the same number for the same name, as psycopg does."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}"

    return re.sub(r"%\((\w+)\)[sbt]", number, text).replace("%%", "%")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.stem}")
def test_query_is_valid_and_says_why_it_exists(path: Path, database_url: str) -> None:
    text = path.read_text()
    assert text.startswith("--")
    with psycopg.connect(database_url) as connection:
        result = connection.pgconn.prepare(b"", numbered(text).encode())
        assert result.status == ExecStatus.COMMAND_OK, result.error_message.decode()


def test_a_wrong_query_would_be_found(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        result = connection.pgconn.prepare(b"", numbered("select * from nothing where id = %(id)s").encode())
        assert result.status == ExecStatus.FATAL_ERROR
