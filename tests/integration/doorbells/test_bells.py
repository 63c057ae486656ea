"""All doorbells as one: whoever enqueues is answered, whatever becomes of the rings."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler
from uuid import uuid4

from coursewright.doorbells import Bells
from coursewright.doorbells.qstash import QStashDoorbell
from tests.loopback import web_server


async def test_a_bell_that_hangs_holds_nobody_up_and_rings_all_the_same() -> None:
    let_go = threading.Event()

    class Hangs(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            let_go.wait()
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    counted: asyncio.Queue[tuple[str, str, str]] = asyncio.Queue()
    with web_server(Hangs) as url:
        bells = Bells([QStashDoorbell("token", url, "http://here")], {}, lambda *told: counted.put_nowait(told))
        try:
            await bells.ring(uuid4())
            assert counted.empty()
        finally:
            let_go.set()
        assert await counted.get() == ("doorbell_rings_total", "qstash", "rung")
