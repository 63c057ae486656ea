"""The gateway: its own time per call, and how much of a provider's quota eight processes use together.

The provider is the project's own simulator in a process of its own; latencies are lognormal (sigma 0.5).
"""

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median, quantiles
from uuid import UUID, uuid4

from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.llm import Accepted, Deferred, Gateway, Message, Origin, Reply, Request, Verdict
from coursewright.llm.provider import FixedProviders
from coursewright.settings import DatabaseSettings, GatewaySettings
from tests.wire import ROOT, WireProvider, simulator

REQUEST = Request("wire:small", (Message("user", "Write a section. " + "What the passages say. " * 300),), 1000)
RPM, TPM = 500, 400_000
PROCESSES = 8


def accept(reply: Reply) -> Verdict[str]:
    return Accepted(reply.text)


class Timed(WireProvider):
    """Notes how long the provider itself took for each call."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.took: dict[UUID, float] = {}

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        began = time.perf_counter()
        try:
            return await super().send(request, call_id, timeout)
        finally:
            self.took[call_id] = time.perf_counter() - began


async def _own_time(url: str, port: int, in_flight: int, calls: int) -> tuple[list[float], float, float]:
    """Return the gateway's own seconds of each call, CPU seconds a call, and the largest lag of the event loop."""
    provider = Timed(port)
    own: list[float] = []
    lags = [0.0]
    left = iter(range(calls))

    async def lag() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            lags.append(time.perf_counter() - began - 0.01)

    settings = GatewaySettings(prices={"wire:*": "1/2"}, calls_at_once=10_000)
    async with (
        open_pool(url, DatabaseSettings(pool_size=10)) as pool,
        Gateway(pool, FixedProviders(provider), settings) as gateway,
    ):

        async def work() -> None:
            for _ in left:
                origin = Origin(UUID(int=1), str(uuid4()), "lesson_section", job_id=UUID(int=2))
                began = time.perf_counter()
                answer = await gateway.call(origin, REQUEST, accept)
                own.append(time.perf_counter() - began - provider.took[answer.call_id])

        cpu = _cpu()
        watching = asyncio.create_task(lag())
        await asyncio.gather(*(work() for _ in range(in_flight)))
        watching.cancel()
        cpu = _cpu() - cpu
    await provider.aclose()
    return own, cpu / calls, max(lags)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def own_time(new_database: Callable[[], str]) -> Table:
    """Measure with few and with very many calls in flight."""
    rows = []
    for in_flight, calls, latency in ((20, 1000, "1"), (1000, 3000, "6")):
        url = new_database()
        asyncio.run(migrate(url))
        with simulator("--latency", latency) as port:
            own, cpu, lag = asyncio.run(_own_time(url, port, in_flight, calls))
        p95 = quantiles(own, n=20)[-1]
        rows.append(
            [
                f"{in_flight:,}",
                f"{calls:,}",
                f"{latency} s",
                *(f"{1000 * value:.1f} ms" for value in (median(own), p95, cpu, lag)),
            ]
        )
    return Table(
        "The gateway's own time per call",
        "All but the provider's time: look-up, budgets, limits, storing prompt (7 kB) and reply, verdict. "
        "Aim: p95 under 10 ms with 20 in flight.",
        ("in flight", "calls", "median latency", "p50", "p95", "CPU a call", "largest lag of the loop"),
        rows,
    )


async def load(url: str, port: int, seconds: float) -> None:
    """Keep asking as fast as the gateway lets it."""
    settings = GatewaySettings(limits={"wire:*": {"requests": RPM, "tokens": TPM}}, calls_at_once=10_000)
    provider = WireProvider(port)
    end = time.monotonic() + seconds
    async with (
        open_pool(url, DatabaseSettings(pool_size=4)) as pool,
        Gateway(pool, FixedProviders(provider), settings) as gateway,
    ):

        async def work() -> None:
            origin = Origin(UUID(int=1), str(uuid4()), "lesson_section")
            while time.monotonic() < end:
                try:
                    await gateway.call(origin, REQUEST, accept)
                except Deferred as deferred:
                    await asyncio.sleep(deferred.seconds)
                else:
                    origin = replace(origin, task_key=str(uuid4()))

        await asyncio.gather(*(work() for _ in range(24)))
    await provider.aclose()


def quota_use(new_database: Callable[[], str], warm_up: float = 60, seconds: float = 300) -> Table:
    """Let eight processes share one quota; measure at the server, after a warm-up. Then the same with a quota that is
    halved without a word at the end of the warm-up.
    """
    rows = []
    for halved in (False, True):
        before, after = _share(new_database(), warm_up, seconds, halved=halved)
        requests, refused, tokens = (after[name] - before[name] for name in ("taken", "refused", "tokens"))
        a_minute = 60 / seconds * (2 if halved else 1)
        rows.append(
            [
                "halved after the warm-up" if halved else "constant",
                f"{requests / seconds * 60:.0f}",
                f"{tokens / seconds * 60:,.0f}",
                f"{100 * max(requests * a_minute / RPM, tokens * a_minute / TPM):.1f} %",
                f"{100 * refused / (requests + refused):.2f} %",
            ]
        )
    return Table(
        "Use of a provider's quota",
        f"{RPM} requests and {TPM:,} tokens a minute, shared by {PROCESSES} processes through Postgres; {seconds:.0f} "
        f"s after {warm_up:.0f} s of warm-up, as counted by the server, which lets a minute's tokens be saved up. "
        "Aim: at least 97 % with under 1 % of 429s; at most 2 % of 429s after the quota halves.",
        ("quota", "requests a minute", "tokens a minute", "of the quota", "429s"),
        rows,
    )


def _share(url: str, warm_up: float, seconds: float, *, halved: bool) -> tuple[dict[str, int], dict[str, int]]:
    """Return the server's counts at the end of the warm-up and at the end."""
    asyncio.run(migrate(url))
    options = ["--latency", "4", "--rpm", str(RPM), "--tpm", str(TPM)]
    with simulator(*options, *(["--halve-after", str(warm_up)] if halved else [])) as port:
        code = (
            f"import asyncio; from bench.gateway import load; asyncio.run(load({url!r}, {port}, {warm_up + seconds}))"
        )
        processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(PROCESSES)]
        time.sleep(warm_up)
        before = asyncio.run(WireProvider(port).stats())
        time.sleep(seconds)
        after = asyncio.run(WireProvider(port).stats())
        for process in processes:
            process.kill()
            process.wait()
    return before, after


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the tables of the gateway."""
    return [own_time(new_database), quota_use(new_database)]
