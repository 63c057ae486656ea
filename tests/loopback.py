"""Web servers on loopback that the program under test talks to, each in a thread of the test's process."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of the usual 5, some of twenty that knock at once would be reset

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients that hang up are what is tested
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextlib.contextmanager
def web_server(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve until the block ends, and yield the address. Whoever keeps a client waiting lets it go before."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def listener() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """Yield the address of a server, and what is posted to it: path, headers by their small names, body."""
    heard: list[tuple[str, dict[str, str], bytes]] = []

    class Heard(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with web_server(Heard) as url:
        yield url, heard
