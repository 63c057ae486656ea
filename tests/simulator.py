"""A provider in a process of its own, for tests and benchmarks: `python -m tests.simulator [options]`.

Speaks what OpenAI's Chat Completions and background Responses look like on the wire, and batches in a form of its
own, over plain HTTP on the loopback address; prints its port first. Latencies are lognormal around a median. It keeps a
log of all that it would bill, one JSON line a request, written when it is taken: {call, mode, tokens: [input, output],
at, prompt: a hash of the messages}. With `--good`, a request for JSON gets what a careful model would answer. The
call's id comes in the header `x-call-id` or in `metadata.call_id`.
"""

import argparse
import asyncio
import hashlib
import json
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import good_model

_REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 503: "Service Unavailable"}


@dataclass
class Bucket:
    """A token bucket that holds a minute's worth at most `burst` seconds ahead."""

    a_minute: float
    level: float
    filled: float

    def take(self, amount: float, now: float) -> float:
        """Take, or return the seconds until there is enough."""
        self.level = min(self.a_minute, self.level + (now - self.filled) * self.a_minute / 60)
        self.filled = now
        if self.level < amount:
            return (amount - self.level) / (self.a_minute / 60)
        self.level -= amount
        return 0.0


class Simulator:
    """See the module."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._random = random.Random(options.seed)
        self._log = Path(options.log).open("a", encoding="utf-8") if options.log else None  # noqa: SIM115 - for good
        self._responses: dict[str, tuple[float, dict[str, Any]]] = {}
        self._count = 0
        now = time.monotonic()
        self._requests = Bucket(options.rpm, options.rpm, now) if options.rpm else None
        self._tokens = Bucket(options.tpm, options.tpm, now) if options.tpm else None
        self._halve_at = now + options.halve_after if options.halve_after else 0.0
        self._stats = {"taken": 0, "refused": 0, "failed": 0, "tokens": 0}

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connection, "127.0.0.1", self._options.port)
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
        async with server:
            await server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                method, path, _ = line.decode().split(" ", 2)
                headers = {}
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.strip().lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                asked = json.loads(body) if body else {}
                status, more, answer = await self._answer(method, path, headers, asked)
                streamed = status == 200 and asked.get("stream")
                content = _stream(answer) if streamed else json.dumps(answer).encode()
                kind = "text/event-stream" if streamed else "application/json"
                head = [f"HTTP/1.1 {status} {_REASONS[status]}", f"content-type: {kind}"]
                head += [f"content-length: {len(content)}", *(f"{name}: {value}" for name, value in more.items())]
                writer.write("\r\n".join([*head, "", ""]).encode() + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client was killed; what it asked for is billed all the same
        finally:
            writer.close()

    async def _answer(
        self, method: str, path: str, headers: Mapping[str, str], body: dict[str, Any]
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        if path == "/stats":
            return 200, {}, dict(self._stats)
        if method == "GET" and path.startswith("/v1/responses/"):
            return self._fetch(path.rsplit("/", 1)[1])
        if method == "GET" and path.startswith("/batches/"):
            return self._fetch_batch(path.rsplit("/", 1)[1])
        if self._random.random() < self._options.error_rate:
            self._stats["failed"] += 1
            return 503, {}, {"error": {"message": "simulated"}}
        if path == "/batches":
            return 200, {}, self._batch(body)
        usage = self._usage(body)
        if wait := self._over_quota(sum(usage)):
            self._stats["refused"] += 1
            return 429, {"retry-after": f"{wait:.3f}"}, {"error": {"message": "slow down", "type": "tokens"}}
        call = headers.get("x-call-id") or body.get("metadata", {}).get("call_id", "")
        background = bool(body.get("background"))
        self._bill(call, "background" if background else "sync", usage, body)
        self._count += 1
        seconds = self._options.latency * math.exp(self._random.gauss(0, self._options.sigma))
        if path == "/v1/responses":
            reply = self._response(body, usage)
            self._responses[reply["id"]] = (time.monotonic() + seconds, reply)
            if background:
                return 200, {}, reply | {"status": "queued", "output": []}
            await asyncio.sleep(seconds)
            return 200, {}, reply
        await asyncio.sleep(seconds)
        return 200, self._headers(), self._completion(body, usage)

    def _batch(self, body: Mapping[str, Any]) -> dict[str, Any]:
        name = f"batch_{self._count}"
        results = []
        for item in body["items"]:
            usage = self._usage(item)
            self._bill(item["call"], "batch", usage, item)
            self._count += 1
            results.append({"call": item["call"], "reply": self._completion(item, usage)})
        self._responses[name] = (time.monotonic() + self._options.latency, {"id": name, "results": results})
        return {"id": name}

    def _fetch_batch(self, name: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        if name not in self._responses:
            return 404, {}, {"error": {"message": f"no batch {name}"}}
        ready, results = self._responses[name]
        return 200, {}, results if time.monotonic() >= ready else {"id": name}

    def _usage(self, body: Mapping[str, Any]) -> tuple[int, int]:
        text = json.dumps(body.get("messages") or body.get("input") or "")
        most = body.get("max_completion_tokens") or body.get("max_tokens") or body.get("max_output_tokens") or 1000
        written = round(most * min(1.0, max(0.05, self._random.lognormvariate(math.log(self._options.fill), 0.4))))
        return len(text) // 5 + 3, max(1, written)

    def _over_quota(self, tokens: int) -> float:
        now = time.monotonic()
        if self._halve_at and now > self._halve_at:
            self._halve_at = 0.0
            for bucket in (self._requests, self._tokens):
                if bucket:
                    bucket.a_minute /= 2
        if self._requests and (wait := self._requests.take(1, now)):
            return wait
        if self._tokens and (wait := self._tokens.take(tokens, now)):
            if self._requests:
                self._requests.level += 1
            return wait
        return 0.0

    def _headers(self) -> dict[str, str]:
        told: dict[str, str] = {}
        if self._options.headers:
            for name, bucket in (("requests", self._requests), ("tokens", self._tokens)):
                if bucket:
                    told[f"x-ratelimit-limit-{name}"] = f"{bucket.a_minute:.0f}"
                    told[f"x-ratelimit-remaining-{name}"] = f"{max(0, bucket.level):.0f}"
        return told

    def _bill(self, call: str, mode: str, usage: tuple[int, int], body: Mapping[str, Any]) -> None:
        self._stats["taken"] += 1
        self._stats["tokens"] += sum(usage)
        if self._log:
            asked = json.dumps(body.get("messages") or body.get("input") or "", sort_keys=True)
            prompt = hashlib.sha256(asked.encode()).hexdigest()
            line = {"call": call, "mode": mode, "tokens": usage, "at": time.time(), "prompt": prompt}
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()

    def _fetch(self, name: str) -> tuple[int, dict[str, str], dict[str, Any]]:
        if name not in self._responses:
            return 404, {}, {"error": {"message": f"no response {name}"}}
        ready, reply = self._responses[name]
        if time.monotonic() < ready:
            return 200, {}, reply | {"status": "in_progress", "output": []}
        return 200, {}, reply

    def _completion(self, body: Mapping[str, Any], usage: tuple[int, int]) -> dict[str, Any]:
        content = f"honey {self._count}"
        if self._options.good and (wanted := body.get("response_format")):
            prompt = next(m["content"] for m in body["messages"] if m["role"] == "user" and "# Task" in m["content"])
            content = good_model.answer(wanted["json_schema"]["name"], prompt)
        message = {"role": "assistant", "content": content}
        return {
            "id": f"chatcmpl-{self._count}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model", ""),
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)},
        }

    def _response(self, body: Mapping[str, Any], usage: tuple[int, int]) -> dict[str, Any]:
        text = {"type": "output_text", "text": f"honey {self._count}", "annotations": []}
        return {
            "id": f"resp_{self._count}",
            "object": "response",
            "status": "completed",
            "model": body.get("model", ""),
            "output": [{"type": "message", "role": "assistant", "status": "completed", "content": [text]}],
            "usage": {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)},
        }


def _stream(completion: Mapping[str, Any]) -> bytes:
    """Return a completion as the events of a stream: text, end, usage."""
    choice = completion["choices"][0]
    common = {name: completion[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    said = {"index": 0, "delta": {"content": choice["message"]["content"]}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    pieces = [common | {"choices": [each]} for each in (said, ended)]
    pieces.append(common | {"choices": [], "usage": completion["usage"]})
    events = [json.dumps(piece) for piece in pieces] + ["[DONE]"]
    return "".join(f"data: {event}\n\n" for event in events).encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.05, help="median seconds of a reply")
    parser.add_argument("--sigma", type=float, default=0.5, help="of the lognormal latency")
    parser.add_argument("--fill", type=float, default=0.4, help="median share of the allowed output that is written")
    parser.add_argument("--rpm", type=float, default=0, help="requests a minute; 0: no limit")
    parser.add_argument("--tpm", type=float, default=0, help="tokens a minute, as written; 0: no limit")
    parser.add_argument("--halve-after", type=float, default=0, help="seconds until the limits are halved; 0: never")
    parser.add_argument("--headers", action="store_true", help="tell the limits in headers")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of requests that fail with 503")
    parser.add_argument("--good", action="store_true", help="answer as a careful model would")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", default="", help="file of what was billed")
    asyncio.run(Simulator(parser.parse_args()).serve())


if __name__ == "__main__":
    main()
