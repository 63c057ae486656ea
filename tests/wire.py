"""The simulator from the other side: started as a process, and a thin provider that speaks with it over a socket."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from coursewright.errors import CallError, ConnectionLost, Overloaded, RateLimited, ReplyLost
from coursewright.llm import failpoints
from coursewright.llm.headers import reported_limits, retry_after
from coursewright.llm.model import Abilities, Finish, Reply, Request, Usage
from coursewright.llm.provider import BatchItem, BatchResult, BatchState

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def simulator(*options: str) -> Iterator[int]:
    """Run a simulator and yield its port."""
    command = [sys.executable, "-m", "tests.simulator", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def llmock(*options: str) -> Iterator[int]:
    """Run llmock, a simulator that was not written here, and yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "llmock.cli", "serve", "-h", "127.0.0.1", "-p", str(port), *options]
    process = subprocess.Popen([*command, "--log-level", "error"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise RuntimeError(f"llmock ended with exit code {process.wait(timeout=0.1)}")
        yield port
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def get(port: int, path: str) -> dict[str, Any]:
    """Return what a simulator tells of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return dict(json.load(answer))


class WireProvider:
    """A provider `wire` at a port of this machine; connections are kept open and used again."""

    name = "wire"
    fingerprint = "no-key"

    def __init__(self, port: int, abilities: Abilities | None = None) -> None:
        self._port = port
        self._abilities = abilities or Abilities(
            background=True, batch=True, context_window=100_000, largest_output=10_000
        )
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    @property
    def endpoint(self) -> str:
        return f"wire@127.0.0.1:{self._port}"

    def abilities(self, model: str) -> Abilities:
        return self._abilities

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        return self._reply(*await self._exchange("POST", "/v1/chat/completions", self._completion(request), call_id))

    async def submit(self, request: Request, call_id: UUID) -> str:
        body = {
            "model": request.model_name,
            "background": True,
            "max_output_tokens": request.max_output_tokens,
            "input": [{"role": message.role, "content": message.text} for message in request.messages],
        }
        _, answer = await self._exchange("POST", "/v1/responses", body, call_id)
        return str(answer["id"])

    async def fetch(self, provider_id: str) -> Reply | None:
        _, answer = await self._exchange("GET", f"/v1/responses/{provider_id}")
        if answer["status"] != "completed":
            return None
        usage = Usage(answer["usage"]["input_tokens"], answer["usage"]["output_tokens"])
        text = answer["output"][0]["content"][0]["text"]
        return Reply(text, Finish.STOP, usage, answer["model"], answer["id"], None, answer)

    async def stats(self) -> dict[str, int]:
        """Return the simulator's own count."""
        return dict((await self._exchange("GET", "/stats"))[1])

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        body = {"items": [{"call": str(item.call_id), **self._completion(item.request)} for item in items]}
        _, answer = await self._exchange("POST", "/batches", body)
        return str(answer["id"])

    async def poll_batch(self, batch_id: str) -> BatchState:
        _, answer = await self._exchange("GET", f"/batches/{batch_id}")
        return BatchState.ENDED if "results" in answer else BatchState.WORKING

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        _, answer = await self._exchange("GET", f"/batches/{batch_id}")
        return [BatchResult(UUID(each["call"]), self._reply({}, each["reply"])) for each in answer["results"]]

    async def cancel_batch(self, batch_id: str) -> None:
        raise NotImplementedError

    async def probe(self, model: str) -> None:
        await self.stats()

    async def aclose(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    @staticmethod
    def _completion(request: Request) -> dict[str, Any]:
        return {
            "model": request.model_name,
            "max_completion_tokens": request.max_output_tokens,
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
        }

    @staticmethod
    def _reply(headers: Mapping[str, str], answer: dict[str, Any]) -> Reply:
        usage = Usage(answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"])
        text = answer["choices"][0]["message"]["content"]
        return Reply(text, Finish.STOP, usage, answer["model"], answer["id"], reported_limits(headers), answer)

    async def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, call_id: UUID | None = None
    ) -> tuple[Mapping[str, str], dict[str, Any]]:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nhost: simulator\r\ncontent-length: {len(content)}\r\nx-call-id: {call_id}\r\n"
        )
        try:
            reader, writer = await self._connection()
            try:
                writer.write(head.encode() + b"\r\n" + content)
                await writer.drain()
                if method == "POST":
                    failpoints.hit("in_flight")
                status = int((await reader.readline()).split()[1])
                headers = {}
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                answer = json.loads(await reader.readexactly(int(headers["content-length"])))
            except BaseException:
                writer.close()
                raise
        except ConnectionRefusedError as error:
            raise ConnectionLost(f"The simulator is not there: {error}") from error
        except (OSError, IndexError, asyncio.IncompleteReadError) as error:
            raise ConnectionLost(f"The simulator hung up: {error}", billed=True) from error
        self._idle.append((reader, writer))
        match status:
            case 200:
                return headers, answer
            case 404:
                raise ReplyLost(answer["error"]["message"])
            case 429:
                raise RateLimited("HTTP 429", retry_after=retry_after(headers), headers=headers)
            case 503:
                raise Overloaded("HTTP 503")
            case _:
                raise CallError(f"HTTP {status}")

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port)


__all__ = ["WireProvider", "simulator"]
