"""The HTTP service as a process of its own, limits off, no worker: POST, pollers, watchers.

Requests are sent by the clock, whether or not the ones before have been answered, and the time counts from when a
request was due; so a slow moment is not hidden by the client waiting for it.
"""

import asyncio
import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from bench.report import Table
from coursewright.app import Coursewright
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.settings import DatabaseSettings, Settings

SECONDS, RATE, POLLERS, EVERY, WATCHERS, EVENTS = 10.0, 100, 1000, 5.0, 500, 20
ORGANISATION = UUID(int=1)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running service: where, its process, a key, a knowledge base, a job."""

    port: int
    pid: int
    key: str
    base: UUID
    job: UUID
    program: Coursewright

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def cpu(self) -> float:
        """Seconds of processor time that the service has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def megabytes(self) -> float:
        resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(resident[1]) / 1024 if resident else 0.0


@contextlib.asynccontextmanager
async def serving(url: str) -> AsyncIterator[Server]:
    await migrate(url)
    settings = Settings.model_validate({"DATABASE_URL": url})
    with tempfile.TemporaryDirectory() as folder:
        async with open_pool(url, DatabaseSettings()) as pool:
            program = Coursewright(settings, url, pool)
            key, holder = await program.keys.create("bench", ORGANISATION, uuid4(), "super_admin")
            library = program.organisation(ORGANISATION).library
            base = uuid4()
            await library.add(base, "page.md", b"# Page\n\nText of the page.")
            await program.intake.once()
            job = await program.jobs.enqueue(
                "generate_course_v2", {"title": "Bench"}, organisation_id=ORGANISATION, base_class_id=base,
                user_id=holder.user_id,
            )  # fmt: skip
            command = [sys.executable, "-m", "coursewright", "serve", "--port", "0", "--workers", "0"]
            environment = {**os.environ, "DATABASE_URL": url, "COURSEWRIGHT_LIMITS__ENABLED": "false"}
            with (Path(folder) / "log").open("w+") as log:
                process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)  # noqa: ASYNC220
                try:
                    port = await asyncio.to_thread(_port, process, Path(folder) / "log")
                    yield Server(port, process.pid, key, base, job, program)
                finally:
                    process.send_signal(signal.SIGTERM)
                    await asyncio.to_thread(process.wait, 30)


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    while process.poll() is None:
        if match := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(match[1])
        time.sleep(0.05)
    raise RuntimeError(log.read_text())


class Connections:
    """Keep-alive connections, as many as requests are open at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened = 0

    async def ask(self, request: bytes) -> int:
        if self._free:
            reader, writer = self._free.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            self.opened += 1
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length:
            await reader.readexactly(int(length[1]))
        self._free.append((reader, writer))
        return int(head[9:12])

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()


async def by_the_clock(server: Server, request: bytes, rate: float) -> tuple[list[float], float]:
    """Send a request at a rate; return milliseconds of each, and the service's share of one core."""
    connections = Connections(server.port)
    for _ in range(20):
        await connections.ask(request)  # warm
    times: list[float] = []
    wrong: list[int] = []

    async def one(due: float) -> None:
        status = await connections.ask(request)
        times.append((time.perf_counter() - due) * 1000)
        if status >= 400:
            wrong.append(status)

    began, cpu = time.perf_counter(), server.cpu()
    async with asyncio.TaskGroup() as group:
        for n in range(round(SECONDS * rate)):
            due = began + n / rate
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            group.create_task(one(due))
    share = (server.cpu() - cpu) / (time.perf_counter() - began)
    connections.close()
    assert not wrong, wrong[:5]
    return times, share


async def watched(server: Server) -> tuple[list[float], float]:
    """Return for each event the milliseconds until every watcher had it, and the service's megabytes."""
    heard: dict[int, list[float]] = {}
    ready = asyncio.Semaphore(0)

    async def watch() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(server.request("GET", f"/api/course-generation/v2/events/{server.job}"))
        await reader.readuntil(b"retry: 2000")
        ready.release()
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                line = await reader.readuntil(b"\nid: ")
                number = int((await reader.readuntil(b"\n")).strip())
                heard.setdefault(number, []).append(time.perf_counter())
                del line
        writer.close()

    watching = [asyncio.create_task(watch()) for _ in range(WATCHERS)]
    for _ in range(WATCHERS):
        await ready.acquire()
    sent: dict[int, float] = {}
    for number in range(1, EVENTS + 1):
        act = server.program.jobs.pause if number % 2 else server.program.jobs.resume
        await act(server.job)
        sent[number] = time.perf_counter()
        while len(heard.get(number, [])) < WATCHERS and time.perf_counter() - sent[number] < 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    megabytes = server.megabytes()
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return [(max(heard[number]) - sent[number]) * 1000 for number in sent], megabytes


async def _measure(url: str) -> list[Table]:
    async with serving(url) as server:
        body = f'{{"baseClassId": "{server.base}", "title": "Bench"}}'.encode()
        post = server.request("POST", "/api/course-generation/v2", body)
        empty = server.request("GET", "/healthz")
        status = server.request("GET", f"/api/knowledge-base/generation-status/{server.job}")
        rows = []
        for name, rate, request in (
            ("empty route (`/healthz`)", RATE, empty),
            ("`POST /api/course-generation/v2`", RATE, post),
            (f"{POLLERS:,} pollers every {EVERY:g} s (`generation-status`)", POLLERS / EVERY, status),
        ):
            times, share = await by_the_clock(server, request, rate)
            rows.append((name, f"{rate:g}", *_quantiles(times), f"{share:.0%}"))
        fanned, megabytes = await watched(server)
    return [
        Table(
            "HTTP: requests by the clock",
            f"`serve --workers 0`, limits off, {SECONDS:g} s each, client on the same machine. Aims: POST p99 under "
            "25 ms, pollers p99 under 100 ms on one core.",
            ("what", "a second", "p50 ms", "p99 ms", "worst ms", "of one core"),
            rows,
        ),
        Table(
            "HTTP: watchers (Server-Sent Events)",
            f"{WATCHERS} clients on one job; from the commit of an event until the last client has it, {EVENTS} "
            "events. Aims: 500 ms, 300 MB.",
            ("clients", "median ms", "worst ms", "memory of the service MB"),
            [(str(WATCHERS), f"{statistics.median(fanned):.0f}", f"{max(fanned):.0f}", f"{megabytes:.0f}")],
        ),
    ]


def _quantiles(times: Sequence[float]) -> tuple[str, str, str]:
    ordered = sorted(times)
    return tuple(f"{ordered[min(len(ordered) - 1, int(len(ordered) * q))]:.1f}" for q in (0.5, 0.99, 1.0))  # type: ignore[return-value] # three


def measure(new_database: Callable[[], str]) -> list[Table]:
    """Return the tables of the service."""
    return asyncio.run(_measure(new_database()))
