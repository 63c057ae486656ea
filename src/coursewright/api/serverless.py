"""The application for hosts that import it and call it (`app`): Vercel, or any ASGI server that is told
`coursewright.api.serverless:app`.

Such hosts may not send the events of the lifespan, and may run each request in an event loop of its own that ends with
it. So the program lives in one loop in a thread of its own, from the first request on: connections stay open between
requests, whatever the host does with its loops.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coursewright.api.application import create_app
from coursewright.api.problems import answer_error
from coursewright.app import open_coursewright
from coursewright.errors import ConfigurationError, CoursewrightError
from coursewright.observing import observe
from coursewright.redact import secrets_in
from coursewright.settings import Settings

Result = TypeVar("Result")


class Serverless:
    """Builds the application when it is first needed."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opening = asyncio.Lock()
        self._app: ASGIApp | None = None
        self._lifespan: AbstractAsyncContextManager[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the lifespan's events where the host sends them."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        scope["began"] = time.monotonic()
        host = asyncio.get_running_loop()

        async def receive_there() -> Message:
            return await _in(host, receive)

        async def send_there(message: Message) -> None:
            await _in(host, lambda: send(message))

        await _in(self._own_loop(), lambda: self._serve(scope, receive_there, send_there))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        with contextlib.suppress(CoursewrightError, ValidationError):  # the first request tries again, and tells
            await _in(self._own_loop(), self._opened)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _in(self._own_loop(), self._close)
        self._end_loop()
        await send({"type": "lifespan.shutdown.complete"})

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop, self._opening = asyncio.new_event_loop(), asyncio.Lock()
                self._thread = threading.Thread(target=self._loop.run_forever, name="coursewright", daemon=True)
                self._thread.start()
            return self._loop

    def _end_loop(self) -> None:
        with self._starting:
            if self._loop and self._thread:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
            self._loop = self._thread = None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            app = await self._opened()
        except CoursewrightError as error:  # the next request tries again
            await (await answer_error(Request(scope), error))(scope, receive, send)
        except ValidationError as error:
            # Not the error itself: it quotes values, and they may be secrets.
            wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            refusal = ConfigurationError(f"Settings cannot be used: {wrong}.", hint="See docs/reference/settings.md.")
            await (await answer_error(Request(scope), refusal))(scope, receive, send)
        else:
            await app(scope, receive, send)

    async def _opened(self) -> ASGIApp:
        async with self._opening:
            if self._app is None:
                app, lifespan = _build()
                await lifespan.__aenter__()
                self._app, self._lifespan = app, lifespan
        return self._app

    async def _close(self) -> None:
        lifespan, self._app, self._lifespan = self._lifespan, None, None
        if lifespan:
            await lifespan.__aexit__(None, None, None)


async def _in(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[Result]]) -> Result:
    """Call a function in a loop that runs in another thread, and wait for it in this one."""

    async def called() -> Result:
        return await call()

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(called(), loop))


def _build() -> tuple[ASGIApp, AbstractAsyncContextManager[Any]]:
    settings = Settings()
    if settings.database_url is None:
        raise ConfigurationError(
            "A host that forgets its files needs a database elsewhere.", hint="Set DATABASE_URL to a Postgres."
        )
    observe(settings.logs, secrets_in(settings), settings.sentry_dsn)
    app = create_app(settings, lambda: open_coursewright(settings))
    return app, app.router.lifespan_context(app)


app = Serverless()

__all__ = ["Serverless", "app"]
