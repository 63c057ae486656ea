"""The gateway's own time per call, and what it takes of the machine.

The provider is the project's own simulator in a process of its own; latencies are lognormal (sigma 0.5).
"""

import asyncio
import multiprocessing
import resource
import time
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from statistics import median, quantiles
from uuid import UUID, uuid4

from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.llm import Accepted, Gateway, Message, Origin, Reply, Request, Verdict
from coursewright.llm.provider import FixedProviders
from coursewright.settings import DatabaseSettings, GatewaySettings
from tests.wire import WireProvider, simulator

REQUEST = Request("wire:small", (Message("user", "Write a section. " + "What the passages say. " * 300),), 1000)


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


async def _own_time(url: str, port: int, in_flight: int, calls: int) -> tuple[list[float], float, list[float]]:
    """Return the gateway's own seconds of each call, CPU seconds a call, and the lags of the event loop."""
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
    return own, cpu / calls, lags


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _alone(url: str, port: int, in_flight: int, calls: int, answers: "SimpleQueue[tuple[list[float], ...]]") -> None:
    """Measure in a process of its own, so that its memory is its own, too."""
    own, cpu, lags = asyncio.run(_own_time(url, port, in_flight, calls))
    answers.put((own, [cpu], lags, [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def own_time(new_database: Callable[[], str]) -> Table:
    """Measure with few and with very many calls in flight."""
    rows = []
    for in_flight, calls, latency in ((20, 1000, "1"), (1000, 3000, "6")):
        url = new_database()
        asyncio.run(migrate(url))
        context = multiprocessing.get_context("spawn")
        answers = context.SimpleQueue()
        with simulator("--latency", latency) as port:
            process = context.Process(target=_alone, args=(url, port, in_flight, calls, answers))
            process.start()
            own, (cpu,), lags, (memory,) = answers.get()
            process.join()
        times = (median(own), quantiles(own, n=20)[-1], cpu, quantiles(lags, n=100)[-1], max(lags))
        rows.append(
            [
                f"{in_flight:,}",
                f"{calls:,}",
                f"{latency} s",
                *(f"{1000 * value:.1f} ms" for value in times),
                f"{memory:.0f}",
            ]
        )
    return Table(
        "The gateway's own time per call",
        "All but the provider's time: look-up, budgets, limits, storing prompt (7 kB) and reply, verdict. One process "
        "with 10 connections. Lag: how late the event loop wakes. Aim: p95 under 10 ms with 20 in flight.",
        ("in flight", "calls", "median latency", "p50", "p95", "CPU a call", "lag p99", "largest lag", "peak MB"),
        rows,
    )


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the tables of the gateway."""
    return [own_time(new_database)]
