"""How much of a provider's quota eight processes use together, and how often they are refused.

Two providers, each a process of its own: the project's simulator, which counts what is written, and llmock, which was
not written here and counts what may be written. What is charged is what the server says.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from pydantic import SecretStr

from bench.gateway import REQUEST, accept
from bench.report import Table
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.errors import DatabaseUnavailable
from coursewright.llm import Deferred, Gateway, Origin
from coursewright.llm.provider import FixedProviders, Provider
from coursewright.llm.providers.openai import OpenAI
from coursewright.settings import DatabaseSettings, GatewaySettings
from tests.wire import ROOT, WireProvider, get, llmock, simulator

RPM, TPM = 500, 400_000
PROCESSES, AT_ONCE = 8, 24
LATENCY = 4.0  # seconds, median
MODELS = {"own simulator": "wire:small", "llmock": "openai:gpt-4o"}
_SAVED = 10.0  # seconds' worth, as the gateway begins with: what is measured comes in and was not there before
_WARM_UP = 60.0
_MEASURED, _AFTER_HALVING, _REAL = 60.0, 240.0, 300.0  # seconds


@dataclass(frozen=True)
class Count:
    """What a server has charged and refused so far."""

    taken: int
    refused: int
    tokens: float

    def since(self, before: "Count") -> "Count":
        return Count(self.taken - before.taken, self.refused - before.refused, self.tokens - before.tokens)


def provider(server: str, port: int, key: str = "sk-of-nobody") -> Provider:
    """Return what asks a server."""
    if server == "own simulator":
        return WireProvider(port)
    return OpenAI(SecretStr(key), base_url=f"http://127.0.0.1:{port}/v1")


async def load(url: str, server: str, port: int, seconds: float) -> None:
    """Keep asking as fast as the gateway lets it."""
    model = MODELS[server]
    settings = GatewaySettings(limits={model: {"requests": RPM, "tokens": TPM}}, calls_at_once=10_000)
    asked = provider(server, port)
    end = time.monotonic() + seconds
    async with (
        open_pool(url, DatabaseSettings(pool_size=4)) as pool,
        Gateway(pool, FixedProviders(asked), settings) as gateway,
    ):

        async def work() -> None:
            origin = Origin(UUID(int=1), str(uuid4()), "lesson_section")
            while time.monotonic() < end:
                try:
                    await gateway.call(origin, replace(REQUEST, model=model), accept)
                except Deferred as deferred:
                    await asyncio.sleep(deferred.seconds)
                except DatabaseUnavailable:  # of a busy machine; a worker looks again, too
                    await asyncio.sleep(1)
                else:
                    origin = replace(origin, task_key=str(uuid4()))

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await asked.aclose()


async def _charge(port: int) -> float:
    """Return the tokens that llmock charges for one request, read from its headers, under a key of its own."""
    asked = provider("llmock", port, "sk-for-the-scales")
    try:
        reply = await asked.send(replace(REQUEST, model=MODELS["llmock"]), uuid4(), 60)
    finally:
        await asked.aclose()
    assert reply.limits is not None
    limit, remaining = reply.limits.tokens.limit, reply.limits.tokens.remaining
    assert limit is not None
    assert remaining is not None
    return limit - remaining


def _count(server: str, port: int, charge: float) -> Count:
    if server == "own simulator":
        stats = asyncio.run(WireProvider(port).stats())
        return Count(stats["taken"], stats["refused"], stats["tokens"])
    records = get(port, "/_llmock/requests")["requests"]
    assert isinstance(records, list)
    taken = sum(record["status"] == 200 for record in records)
    return Count(taken, sum(record["status"] == 429 for record in records), taken * charge)


def _share(new_database: Callable[[], str], server: str, warm_up: float, seconds: float, *, halved: bool) -> Count:
    """Return what the server charged and refused after the warm-up."""
    url = new_database()
    asyncio.run(migrate(url))
    quota = ["--rpm", str(RPM), "--tpm", str(TPM)]
    with contextlib.ExitStack() as stack:
        charge = 0.0
        if server == "own simulator":
            halve = ["--halve-after", str(warm_up)] if halved else []
            port = stack.enter_context(simulator("--latency", str(LATENCY), "--saved", str(_SAVED), *quota, *halve))
        else:
            port = stack.enter_context(llmock("--latency-ms", str(round(1000 * LATENCY)), *quota))
            charge = asyncio.run(_charge(port))
        code = (
            "import asyncio; from bench.quota import load; "
            f"asyncio.run(load({url!r}, {server!r}, {port}, {warm_up + seconds}))"
        )
        processes = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) for _ in range(PROCESSES)]
        try:
            time.sleep(warm_up)
            before = _count(server, port, charge)
            time.sleep(seconds)
            return _count(server, port, charge).since(before)
        finally:
            for process in processes:
                process.kill()
                process.wait()


def measure(new_database: Callable[[], str], *, real: bool = False) -> list[Table]:
    """Measure for a minute after the warm-up, for four after the quota has halved; with `real` each for five."""
    rows = []
    for server, halved in (("own simulator", False), ("own simulator", True), ("llmock", False)):
        seconds = _REAL if real else _AFTER_HALVING if halved else _MEASURED
        count = _share(new_database, server, _WARM_UP, seconds, halved=halved)
        allowed = seconds / 60 / (2 if halved else 1)
        used = max(count.taken / (RPM * allowed), count.tokens / (TPM * allowed))
        rows.append(
            [
                server,
                "halved after the warm-up" if halved else "constant",
                f"{seconds:.0f} s",
                f"{count.taken / seconds * 60:.0f}",
                f"{count.tokens / seconds * 60:,.0f}",
                f"{100 * used:.1f} %",
                f"{100 * count.refused / (count.taken + count.refused):.2f} %",
            ]
        )
    return [
        Table(
            "Use of a provider's quota",
            f"{RPM} requests and {TPM:,} tokens a minute, shared by {PROCESSES} processes through Postgres; "
            f"measured after {_WARM_UP:.0f} s of warm-up, charged by the server: the simulator counts what is written "
            f"and has {_SAVED:.0f} s' worth saved up at first, llmock counts what may be written and has a minute's. "
            "Nobody says so when the quota halves, and llmock's cannot; the share is that of the halved quota then. "
            "Aim: at least 97 % with under 1 % of 429s; at most 2 % after that. With `--real`, each is measured for 5 "
            "minutes.",
            ("server", "quota", "measured for", "requests a minute", "tokens a minute", "of the quota", "429s"),
            rows,
        )
    ]


__all__ = ["measure"]
