"""Runs the application on a socket, with a worker in the same process, until a signal says stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn

from coursewright.api.application import create_app
from coursewright.api.callers import is_loopback
from coursewright.app import Coursewright, open_coursewright
from coursewright.errors import ConfigurationError
from coursewright.settings import Settings


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs server and worker together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(configured: Settings, *, with_worker: bool, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the address. Raises ConfigurationError, DatabaseUnavailable.

    Then requests under way are answered, event streams end at once, and running tasks may finish for a while.
    """
    local = is_loopback(configured.api.host)
    listening = _listen(configured.api.host, configured.api.port)
    async with open_coursewright(configured) as program:
        if not local and not program.tokens.configured and not await program.keys.exist():
            raise ConfigurationError(
                f"Without keys the service does not listen on {configured.api.host}: anybody could use it.",
                hint="Make a key with `coursewright keys create`, or set COURSEWRIGHT_AUTH__JWT_SECRET.",
            )

        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[Coursewright]:
            yield program

        app = create_app(configured, opened, local=local)
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=round(configured.worker.grace_seconds),
                ws="none",
            )
        )
        worker = program.worker() if with_worker else None

        def stop() -> None:
            server.should_exit = True
            if server.started:
                app.state.watch.close()
            if worker:
                worker.stop()

        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop)
        on_ready(f"http://{_shown(configured.api.host)}:{listening.getsockname()[1]}")
        async with asyncio.TaskGroup() as group:
            group.create_task(_until_stopped(server, listening, stop))
            if worker:
                group.create_task(program.work(worker))


async def _until_stopped(server: uvicorn.Server, listening: socket.socket, stop: Callable[[], None]) -> None:
    try:
        await server.serve(sockets=[listening])
    finally:
        stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY); without, each waits 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)  # from now on requests wait, instead of being refused, until all is ready
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"Port {port} of {host} cannot be used: {error.strerror}.", hint="Choose another --port or --host."
        ) from error
    return listening


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


__all__ = ["serve"]
