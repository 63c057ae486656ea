"""Processes killed at every step of a call's life, and at any moment: nothing that is on disk is paid for again.

The simulator keeps its own log of what it would bill; the ledger has to agree with it.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg.rows import dict_row

from coursewright.apart import end_child
from coursewright.db.pool import Pool
from coursewright.llm.ledger import Ledger
from tests.faults.call_program import ORIGIN
from tests.faults.conftest import HANG
from tests.wire import ROOT, simulator

pytestmark = pytest.mark.faults

POINTS = {
    "sync": ("begun", "in_flight", "replied", "recorded", "judged", "failed"),
    "background": ("begun", "in_flight", "submitted", "identified", "fetched", "recorded"),
    "batch": ("begun", "in_flight", "submitted", "identified", "fetched", "recorded"),
}
LIVE = ("waiting", "submitting", "submitted")


@dataclass
class Fault:
    """A database, a simulator and the program that is killed."""

    pool: Pool
    url: str
    port: int
    refusing: int  # port of one that answers every request with 503
    log: Path
    spill: Path

    @contextlib.asynccontextmanager
    async def running(self, mode: str, calls: int, failpoint: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        """Start the program; whatever becomes of the test, it is gone afterwards."""
        port = self.refusing if failpoint.startswith("failed") else self.port
        arguments = [self.url, str(port), str(self.spill), mode, str(calls)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.call_program",
            *arguments,
            cwd=ROOT,
            env=os.environ | {"COURSEWRIGHT_FAILPOINT": failpoint},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            await end_child(process)

    async def finish(self, mode: str, calls: int) -> None:
        async with self.running(mode, calls) as process, asyncio.timeout(HANG):
            assert await process.wait() == 0

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.encode())
            return await cursor.fetchall()

    async def check(self, calls: int) -> str:
        """Compare ledger and log; return what to report."""
        billed = [json.loads(line) for line in self.log.read_text().splitlines()]
        sends = await self.rows("select * from coursewright.sends order by call_id, number")
        states = Counter(send["state"] for send in sends)
        assert not set(LIVE) & set(states), "a send is left in flight"
        answered = await self.rows("select state, count(*) as n from coursewright.calls group by 1")
        assert answered == [{"state": "accepted", "n": calls}]

        batches = await self.rows("select id from coursewright.batches where provider_id is not null")
        identified = {batch["id"] for batch in batches}
        asked = Counter(line["call"] for line in billed)
        for call, of_call in itertools.groupby(sends, key=lambda send: send["call_id"]):
            group = list(of_call)
            settled = [send for send in group if send["state"] == "settled"]
            suspected = [send for send in group if send["state"] == "suspected"]
            # Every repeat in the simulator's log has a row: one paid, the others suspected.
            assert len(settled) >= 1
            assert asked[str(call)] <= len(settled) + len(suspected)
            # What was committed is never sent again.
            for known in settled:
                assert not [send for send in group if send["started_at"] > known["ended_at"]]
            for known in group:
                if known["provider_id"] or known["batch_id"] in identified:
                    assert known["state"] == "settled"
        spend = await Ledger(self.pool).spent_by_job(sends[0]["job_id"])
        bill = sum(line["tokens"][0] * 1 + line["tokens"][1] * 2 for line in billed) / 1e6
        assert float(spend.settled) <= bill + 1e-9
        assert bill <= float(spend.settled + spend.suspected) + 1e-9
        assert spend.reserved == 0
        repeats = sum(asked.values()) - len(asked)
        return (
            f"{calls} calls, {len(billed)} billed ({repeats} repeats), sends {dict(states)}; settled "
            f"{spend.settled:.6f} <= bill {bill:.6f} <= with suspected {spend.settled + spend.suspected:.6f} dollars"
        )


@pytest.fixture
def fault(pool: Pool, database_url: str, tmp_path: Path) -> Iterator[Fault]:
    log = tmp_path / "bill.jsonl"
    log.touch()
    with (
        simulator("--latency", "0.05", "--error-rate", "0.15", "--log", str(log)) as port,
        simulator("--error-rate", "1") as refusing,
    ):
        yield Fault(pool, database_url, port, refusing, log, tmp_path / "spill")


async def allow_provider_storage(fault: Fault) -> None:
    await Ledger(fault.pool).limit_organisation(ORIGIN.organisation_id, provider_storage=True)
    await fault.rows("update coursewright.rounds set gap = 60, gap_at = clock_timestamp() returning 1")


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", POINTS)
async def test_killed_at_every_step(fault: Fault, mode: str, kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    await allow_provider_storage(fault)
    dice = random.Random(7)
    calls = 0
    counts: Counter[str] = Counter()
    for _ in range(kills):
        for point in POINTS[mode]:
            calls += 6  # fresh ones, so that the point is reached
            # A batch passes once, and of refusals the first kills, before any is on record.
            failpoint = f"{point}:{1 if mode == 'batch' or point == 'failed' else dice.randint(1, 4)}"
            async with fault.running(mode, calls, failpoint) as process, asyncio.timeout(HANG):
                status = await process.wait()
            assert status == -signal.SIGKILL, point
            counts[point] += 1
    await fault.finish(mode, calls)
    assert min(counts[point] for point in POINTS[mode]) >= kills
    report = await fault.check(calls)
    with capsys.disabled():
        print(f"\n  {mode}: killed at {dict(counts)}: {report}")  # noqa: T201


@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=pytest.mark.slow)])
async def test_killed_at_any_moment(fault: Fault, kills: int, capsys: pytest.CaptureFixture[str]) -> None:
    await allow_provider_storage(fault)
    dice = random.Random(11)
    calls = 45
    killed = 0
    while killed < kills:
        async with fault.running(dice.choice(["sync", "background", "batch"]), calls) as process:
            assert process.stdout is not None
            assert await process.stdout.readline()
            try:
                await asyncio.wait_for(process.wait(), 0.6 * dice.random())
            except TimeoutError:
                killed += 1  # on leaving the block
            else:
                calls += 45
    await fault.finish("sync", calls)
    report = await fault.check(calls)
    with capsys.disabled():
        print(f"\n  killed {killed} times at random: {report}")  # noqa: T201
