"""`python -m bench [--entries N]`: measure, print, keep."""

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench import course, queue
from bench.report import write
from coursewright.db.embedded import running_server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--entries", type=int, default=1_000_000, help="waiting entries in the large case")
    entries: int = parser.parse_args().entries
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running_server(Path(folder) / "postgres") as server,
    ):
        names = itertools.count()

        def new_database() -> str:
            name = f"bench_{next(names)}"
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            return make_conninfo(server, dbname=name)

        tables = [*course.measure(), *queue.measure(new_database, entries)]
    for table in tables:
        print(table.markdown(), file=sys.stdout)
    write(tables)


main()
