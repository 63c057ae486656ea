"""A provider in a process of its own, for tests and benchmarks: `python -m tests.simulator [options]`.

Speaks what OpenAI's Chat Completions, Responses (whole, streamed, in the background), files and batches look like on
the wire, and batches in a form of its own, over plain HTTP on the loopback address; prints its port first. Latencies
are lognormal around a median. It keeps a log of all that it would bill, one JSON line a request, written when it is
taken: {call, mode, tokens: [input, output], at, seconds, prompt: a hash of what is said}. With `--good`, a request for
JSON gets what a careful model would answer. With `--steady`, what chance decides of a request follows from what it
says, in whatever order requests come. The call's id comes in the header `x-call-id` or in `metadata.call_id`.
"""

import argparse
import asyncio
import json
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import good_model, openai_shapes
from tests.openai_shapes import Used

_REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 503: "Service Unavailable"}
_UNUSABLE = '{"unusable": true}'  # fits no schema
_CACHED_FROM, _CACHED_STEP, _LETTERS = 1024, 128, 5  # tokens (OpenAI, "Prompt caching"); letters a token

Answer = tuple[int, dict[str, str], dict[str, Any] | str]


@dataclass
class Bucket:
    """A token bucket that holds a minute's worth."""

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
        self._files: dict[str, str | list[dict[str, Any]]] = {}
        self._prefixes: set[int] = set()
        self._count = 0
        now = time.monotonic()
        saved = options.saved / 60
        self._requests = Bucket(options.rpm, saved * options.rpm, now) if options.rpm else None
        self._tokens = Bucket(options.tpm, saved * options.tpm, now) if options.tpm else None
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
                asked: dict[str, Any] = {}
                if path == "/v1/files":
                    answered = self._upload(body)
                else:
                    asked = json.loads(body) if body else {}
                    answered = await self._answer(method, path, headers, asked)
                status, more, answer = answered
                kind = "application/json"
                if isinstance(answer, str):
                    content, kind = answer.encode(), "application/jsonl"
                elif status == 200 and asked.get("stream"):
                    content, kind = openai_shapes.stream(answer), "text/event-stream"
                else:
                    content = json.dumps(answer).encode()
                head = [f"HTTP/1.1 {status} {_REASONS[status]}", f"content-type: {kind}"]
                head += [f"content-length: {len(content)}", *(f"{name}: {value}" for name, value in more.items())]
                writer.write("\r\n".join([*head, "", ""]).encode() + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client was killed; what it asked for is billed all the same
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, headers: Mapping[str, str], body: dict[str, Any]) -> Answer:
        if path == "/stats":
            return 200, {}, dict(self._stats)
        if path == "/v1/models":
            return 200, {}, {"object": "list", "data": [{"id": self._options.model, "object": "model"}]}
        if path.startswith("/v1/files/"):
            return 200, {}, str(self._files[path.split("/")[3]])
        if path.startswith("/v1/batches/"):
            return self._batch(path.rsplit("/", 1)[1])
        if method == "GET" and path.startswith("/v1/responses/"):
            return self._fetch(path.rsplit("/", 1)[1])
        if method == "GET" and path.startswith("/batches/"):
            return self._fetch_batch(path.rsplit("/", 1)[1])
        if self._dice(body, "error").random() < self._options.error_rate:
            self._stats["failed"] += 1
            return 503, {}, {"error": {"message": "simulated"}}
        if path == "/batches":
            return 200, {}, self._own_batch(body)
        if path == "/v1/batches":
            return self._begin_batch(body)
        used = self._used(body)
        if wait := self._over_quota(used.total):
            self._stats["refused"] += 1
            return 429, {"retry-after": f"{wait:.3f}"}, {"error": {"message": "slow down", "type": "tokens"}}
        call = headers.get("x-call-id") or body.get("metadata", {}).get("call_id", "")
        background = bool(body.get("background"))
        seconds = self._options.latency * math.exp(self._dice(body, "latency").gauss(0, self._options.sigma))
        self._bill(call, "background" if background else "sync", used, body, seconds)
        if path == "/v1/responses":
            reply = openai_shapes.response(self._count, body, self._text(body), used)
            self._responses[reply["id"]] = (time.monotonic() + seconds, reply)
            if background:
                return 200, {}, reply | {"status": "queued", "output": []}
            await asyncio.sleep(seconds)
            return 200, self._headers(), reply
        await asyncio.sleep(seconds)
        return 200, self._headers(), self._completion(body, used)

    def _upload(self, form: bytes) -> Answer:
        name = f"file_{len(self._files)}"
        self._files[name] = openai_shapes.uploaded_lines(form)
        return 200, {}, {"id": name, "object": "file", "purpose": "batch", "filename": "calls.jsonl"}

    def _begin_batch(self, body: Mapping[str, Any]) -> Answer:
        name = f"batch_{len(self._responses)}"
        rows = []
        for line in self._files[body["input_file_id"]]:
            assert isinstance(line, dict)
            used = self._used(line["body"])
            self._bill(line["custom_id"], "batch", used, line["body"], self._options.latency)
            rows.append(openai_shapes.batch_line(line["custom_id"], self._completion(line["body"], used)))
        self._files[f"{name}_output"] = openai_shapes.json_lines(rows)
        self._responses[name] = (time.monotonic() + self._options.latency, {"id": name, "object": "batch"})
        return self._batch(name)

    def _batch(self, name: str) -> Answer:
        if name not in self._responses:
            return 404, {}, {"error": {"message": f"no batch {name}"}}
        ready, batch = self._responses[name]
        if time.monotonic() < ready:
            return 200, {}, batch | {"status": "in_progress"}
        return 200, {}, batch | {"status": "completed", "output_file_id": f"{name}_output"}

    def _own_batch(self, body: Mapping[str, Any]) -> dict[str, Any]:
        name = f"batch_{self._count}"
        results = []
        for item in body["items"]:
            used = self._used(item)
            self._bill(item["call"], "batch", used, item, self._options.latency)
            results.append({"call": item["call"], "reply": self._completion(item, used)})
        self._responses[name] = (time.monotonic() + self._options.latency, {"id": name, "results": results})
        return {"id": name}

    def _fetch_batch(self, name: str) -> Answer:
        if name not in self._responses:
            return 404, {}, {"error": {"message": f"no batch {name}"}}
        ready, results = self._responses[name]
        return 200, {}, results if time.monotonic() >= ready else {"id": name}

    def _dice(self, body: Mapping[str, Any], what: str) -> random.Random:
        """Return what decides: one sequence for all requests, or one that follows from the request."""
        if not self._options.steady:
            return self._random
        return random.Random("\n".join([str(self._options.seed), what, *openai_shapes.said(body)]))

    def _used(self, body: Mapping[str, Any]) -> Used:
        text = "\n".join(openai_shapes.said(body))
        share = self._dice(body, "fill").lognormvariate(math.log(self._options.fill), 0.4)
        written = round(openai_shapes.most_output(body) * min(1.0, max(0.05, share)))
        return Used(len(text) // _LETTERS + 3, max(1, written), self._cached(body) if self._options.cache else 0)

    def _cached(self, body: Mapping[str, Any]) -> int:
        """Return how many tokens a request begins with that an earlier one began with, too."""
        text = "\n".join(openai_shapes.said(body))
        lengths = range(_CACHED_FROM * _LETTERS, len(text) + 1, _CACHED_STEP * _LETTERS)
        prefixes = [hash(text[:length]) for length in lengths]
        cached = [length for length, prefix in zip(lengths, prefixes, strict=True) if prefix in self._prefixes]
        self._prefixes.update(prefixes)
        return max(cached, default=0) // _LETTERS

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

    def _bill(self, call: str, mode: str, used: Used, body: Mapping[str, Any], seconds: float) -> None:
        self._count += 1
        self._stats["taken"] += 1
        self._stats["tokens"] += used.total
        if self._log:
            prompt = openai_shapes.fingerprint(openai_shapes.said(body))
            tokens = [used.input, used.output]
            line = {"call": call, "mode": mode, "tokens": tokens, "at": time.time(), "seconds": seconds}
            self._log.write(json.dumps(line | {"prompt": prompt}) + "\n")
            self._log.flush()

    def _fetch(self, name: str) -> Answer:
        if name not in self._responses:
            return 404, {}, {"error": {"message": f"no response {name}"}}
        ready, reply = self._responses[name]
        if time.monotonic() < ready:
            return 200, {}, reply | {"status": "in_progress", "output": []}
        return 200, {}, reply

    def _completion(self, body: Mapping[str, Any], used: Used) -> dict[str, Any]:
        return openai_shapes.completion(self._count, body, self._text(body), used)

    def _text(self, body: Mapping[str, Any]) -> str:
        schema = openai_shapes.wanted_schema(body)
        if not self._options.good or not schema:
            return f"honey {self._count}"
        if not openai_shapes.is_repair(body) and self._dice(body, "rejected").random() < self._options.reject_rate:
            return _UNUSABLE
        prompt = next(text for text in openai_shapes.said(body) if "# Task" in text)
        return good_model.answer(schema, prompt)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.05, help="median seconds of a reply")
    parser.add_argument("--sigma", type=float, default=0.5, help="of the lognormal latency")
    parser.add_argument("--fill", type=float, default=0.4, help="median share of the allowed output that is written")
    parser.add_argument("--rpm", type=float, default=0, help="requests a minute; 0: no limit")
    parser.add_argument("--tpm", type=float, default=0, help="tokens a minute, as written; 0: no limit")
    parser.add_argument("--saved", type=float, default=60, help="seconds' worth of the limits that are there at first")
    parser.add_argument("--halve-after", type=float, default=0, help="seconds until the limits are halved; 0: never")
    parser.add_argument("--headers", action="store_true", help="tell the limits in headers")
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of requests that fail with 503")
    parser.add_argument("--good", action="store_true", help="answer as a careful model would")
    parser.add_argument("--reject-rate", type=float, default=0.0, help="share of its first answers that are unusable")
    parser.add_argument("--steady", action="store_true", help="the same request has the same fate in any order")
    parser.add_argument("--cache", action="store_true", help="count repeated beginnings of prompts as cached")
    parser.add_argument("--model", default="gpt-5.4-mini", help="the one in the list of models")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", default="", help="file of what was billed")
    asyncio.run(Simulator(parser.parse_args()).serve())


if __name__ == "__main__":
    main()
