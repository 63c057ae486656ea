"""`python -m bench [PART …] [--entries N]`: measure, print; with all parts, keep."""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench import admission, api, course, documents, gateway, queue, retrieval, ticks, workers
from bench.report import Table, write
from coursewright.db.embedded import running_server

NewDatabase = Callable[[], str]

PARTS: dict[str, Callable[[NewDatabase, int], list[Table]]] = {
    "course": lambda _, __: course.measure(),
    "documents": lambda _, __: documents.measure(),
    "gateway": lambda new, _: gateway.measure(new),
    "queue": lambda new, _: queue.measure(new),
    "admission": admission.measure,
    "workers": lambda new, _: workers.measure(new),
    "retrieval": lambda new, _: retrieval.measure(new),
    "api": lambda new, _: api.measure(new),
    "ticks": lambda new, _: ticks.measure(new),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all, and keep them")
    parser.add_argument("--entries", type=int, default=1_000_000, help="waiting entries in the large case")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
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

        tables = []
        for name in arguments.parts or PARTS:
            for table in PARTS[name](new_database, arguments.entries):
                print(table.markdown(), file=sys.stdout, flush=True)
                tables.append(table)
    if not arguments.parts:
        write(tables)


main()
