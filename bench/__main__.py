"""`python -m bench [PART …] [--entries N] [--real] [--keep]`: measure, print; keep in docs/benchmarks.md."""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench import admission, api, course, documents, gateway, latency, money, queue, quota, retrieval, ticks, workers
from bench.report import Table, write
from coursewright.db.embedded import running_server

NewDatabase = Callable[[], str]

Part = Callable[[NewDatabase, argparse.Namespace], list[Table]]

PARTS: dict[str, Part] = {
    "course": lambda _, __: course.measure(),
    "documents": lambda _, __: documents.measure(),
    "gateway": lambda new, _: gateway.measure(new),
    "latency": lambda new, options: latency.measure(new, real=options.real),
    "quota": lambda new, options: quota.measure(new, real=options.real),
    "money": lambda new, _: money.measure(new),
    "queue": lambda new, _: queue.measure(new),
    "admission": lambda new, options: admission.measure(new, options.entries),
    "workers": lambda new, _: workers.measure(new),
    "retrieval": lambda new, _: retrieval.measure(new),
    "api": lambda new, _: api.measure(new),
    "ticks": lambda new, _: ticks.measure(new),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all, and keep them")
    parser.add_argument("--entries", type=int, default=1_000_000, help="waiting entries in the large case")
    parser.add_argument(
        "--real", action="store_true", help="latency at a model's own pace, too, quota for five minutes"
    )
    parser.add_argument("--keep", action="store_true", help="keep the tables of the named parts in docs/benchmarks.md")
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
            for table in PARTS[name](new_database, arguments):
                print(table.markdown(), file=sys.stdout, flush=True)
                tables.append(table)
    if arguments.keep or not arguments.parts:
        write(tables)


if __name__ == "__main__":  # not where a measurement starts a process of its own
    main()
