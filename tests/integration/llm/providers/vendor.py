"""A vendor's endpoint on loopback whose answers a test lays out: for the modes and mishaps that no simulator speaks."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import web_server


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. `body` is JSON, or text as it is; `cut` closes the connection after so many bytes of it, or is
    silent from there on (`silent`) until the vendor closes.
    """

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    silent: bool = False


@dataclass(slots=True)
class Vendor:
    """`answers` by method and path; the last one of a path is repeated. `asked` holds what came in, `keys`
    the keys of OpenAI's kind that it came with, `patience` the seconds of silence that its sender says to bear.
    """

    answers: dict[str, list[Answer]]
    url: str = ""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    patience: list[float] = field(default_factory=list)


@contextlib.contextmanager
def vendor(answers: dict[str, list[Answer]]) -> Iterator[Vendor]:
    """Serve answers until the block ends."""
    state = Vendor(answers)
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            key = f"{self.command} {self.path.partition('?')[0]}"
            is_json = self.headers.get("content-type", "").startswith("application/json")
            state.keys.append(self.headers.get("authorization", "").removeprefix("Bearer "))
            state.patience.append(float(self.headers.get("x-stainless-read-timeout", 0)))
            state.asked.append((key, json.loads(body) if body and is_json else body))
            left = state.answers.get(key, [Answer({"error": {"message": f"no answer for {key}"}}, 404)])
            answer = left.pop(0) if len(left) > 1 else left[0]
            text = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
            self.send_response(answer.status)
            kind = "text/event-stream" if text.startswith((b"event:", b"data:")) else "application/json"
            for name, value in {"content-type": kind, "content-length": str(len(text)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text[: answer.cut])
            if answer.cut is not None:
                self.wfile.flush()
                if answer.silent:
                    closing.wait()
                self.close_connection = True

        do_GET = do_POST = _answer  # noqa: N815 - the names that http.server calls

    with web_server(Handler) as state.url:
        try:
            yield state
        finally:
            closing.set()


__all__ = ["Answer", "Vendor", "vendor"]
