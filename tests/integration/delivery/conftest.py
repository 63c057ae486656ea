"""An application that receives webhooks, on loopback: it answers what the test tells it to, and keeps what came."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest

from tests.loopback import web_server


@dataclass
class Application:
    """`answers` are given in turn (status, headers); when they run out, 204. `silent` ones never answer."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    silent: bool = False
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def application() -> Iterator[Application]:
    told, released = Application(), threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if told.silent:
                released.wait(30)
            status, headers = told.answers.pop(0) if told.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with web_server(Receiver) as url:
        told.url = f"{url}/hooks/coursewright"
        yield told
        released.set()
