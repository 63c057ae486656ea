"""`tick`: do what fits in some seconds, leave the rest, exit. For cron and for hosts that kill."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from coursewright.cli.console import count, print_json, say
from coursewright.cli.help import Command
from coursewright.cli.observed import observed
from coursewright.cli.options import Concurrency, DataDir, Json, open_coursewright, settings

if TYPE_CHECKING:
    from coursewright.app import Ticked
    from coursewright.settings import Settings

_STILL_BUSY = 75  # sysexits.h: try again later


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        cls=Command,
        rich_help_panel="Run and check the program",
        epilog="""\
coursewright tick --budget 50
* * * * * cd /srv/courses && .venv/bin/coursewright tick --budget 55  # in a crontab""",
    )(tick)


def tick(
    budget: Annotated[
        float | None, typer.Option(help="Seconds until it has ended in every case. Default: 50.", min=1, metavar="S")
    ] = None,
    concurrency: Concurrency = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Do what fits in some seconds, leave the rest to the next tick or to a worker, and exit.

    A step is started when steps of its kind usually fit the rest of the time; one that still runs at the end is cut
    off and given back.
    """
    began = time.monotonic()
    configured = settings(data_dir, concurrency)
    budget = budget or configured.ticks.budget
    watchdog = threading.Timer(budget, _end_now)
    watchdog.daemon = True
    watchdog.start()
    with observed(configured, usual=logging.WARNING):
        ticked = asyncio.run(_tick(configured, budget, began))
    watchdog.cancel()
    if json:
        print_json(
            {
                "processed": ticked.jobs,
                "completed_tasks": ticked.completed_tasks,
                "cut": ticked.cut,
                "remaining": ticked.remaining,
                "seconds": round(ticked.seconds, 2),
            }
        )
        return
    say("✓", f"{count(ticked.completed_tasks, 'task')} of {count(ticked.jobs, 'job')} in {ticked.seconds:.1f} s.")
    if ticked.cut:
        say("!", f"{count(ticked.cut, 'task')} did not fit and was given back; the next tick begins it.")
    if ticked.remaining:
        say("→", f"{ticked.remaining} remain.")


async def _tick(configured: Settings, budget: float, began: float) -> Ticked:
    async with open_coursewright(configured) as program:
        return await program.tick(budget, began=began, ring=False)


def _end_now() -> None:
    """End the process: something (a thread, a frozen database) has not given way. Leases expire by themselves."""
    sys.stderr.write("The time is up, and something has not given way: ended. Leases expire by themselves.\n")
    sys.stderr.flush()
    os._exit(_STILL_BUSY)


__all__ = ["register"]
