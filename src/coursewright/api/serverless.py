"""The application for hosts that import it and call it (`app`): Vercel, or any ASGI server that is told
`coursewright.api.serverless:app`.

Such hosts may not send the events of the lifespan, and may run each request in an event loop of its own that ends with
it. So the program lives in one loop in a thread of its own, from the first request on: connections stay open between
requests, whatever the host does with its loops. They start cold for a tick, which is answered without the framework:
that takes half of the time to load.
"""

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coursewright.api.ticking import is_timer, tick
from coursewright.app import CRON_ROUTE, Coursewright, open_coursewright
from coursewright.errors import ConfigurationError, CoursewrightError
from coursewright.observing.redact import secrets_in
from coursewright.observing.setup import observe
from coursewright.settings import Settings

_log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Serverless:
    """Builds the application when it is first needed."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._opening = asyncio.Lock()
        self._open = contextlib.AsyncExitStack()
        self._program: Coursewright | None = None
        self._app: ASGIApp | None = None

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
            await _in(self._own_loop(), self._opened_program)
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
            if self._app is None and scope["path"] == CRON_ROUTE and scope["method"] in ("GET", "POST"):
                program = await self._opened_program()
                if is_timer(program.settings, _authorization(scope)):
                    await _answer(send, await _ticked(program, scope["began"]))
                    return
            app = await self._opened()
        except CoursewrightError as error:  # the next request tries again
            await _refuse(error, scope, receive, send)
        except ValidationError as error:
            # Not the error itself: it quotes values, and they may be secrets.
            wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            told = ConfigurationError(f"Settings cannot be used: {wrong}.", hint="See docs/reference/settings.md.")
            await _refuse(told, scope, receive, send)
        else:
            await app(scope, receive, send)

    async def _opened_program(self) -> Coursewright:
        async with self._opening:
            if self._program is None:
                settings = Settings()
                if settings.database_url is None:
                    raise ConfigurationError(
                        "A host that forgets its files needs a database elsewhere.",
                        hint="Set DATABASE_URL to a Postgres.",
                    )
                observe(settings.logs, secrets_in(settings), settings.sentry_dsn)
                self._program = await self._open.enter_async_context(open_coursewright(settings))
        return self._program

    async def _opened(self) -> ASGIApp:
        from coursewright.api.application import create_app  # see above: half of the time to load

        program = await self._opened_program()
        async with self._opening:
            if self._app is None:

                @contextlib.asynccontextmanager
                async def opened() -> AsyncIterator[Coursewright]:
                    yield program

                app = create_app(program.settings, opened)
                await self._open.enter_async_context(app.router.lifespan_context(app))
                self._app = app
        return self._app

    async def _close(self) -> None:
        self._program = self._app = None
        await self._open.aclose()


def _authorization(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"), "")


async def _ticked(program: Coursewright, began: float) -> dict[str, object]:
    try:
        return await tick(program, began)
    except CoursewrightError:
        raise
    except Exception as error:
        _log.error("a tick raised", exc_info=error)
        raise CoursewrightError("The service has met a defect of its own.", hint="Its log tells more.") from error


async def _answer(send: Send, told: dict[str, object]) -> None:
    _log.info("tick: %s", told)
    body = json.dumps(told).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, (b"cache-control", b"no-store")]})
    await send({"type": "http.response.body", "body": body})


async def _refuse(error: CoursewrightError, scope: Scope, receive: Receive, send: Send) -> None:
    from starlette.requests import Request

    from coursewright.api.problems import answer_error

    await (await answer_error(Request(scope), error))(scope, receive, send)


async def _in(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[Result]]) -> Result:
    """Call a function in a loop that runs in another thread, and wait for it in this one."""

    async def called() -> Result:
        return await call()

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(called(), loop))


app = Serverless()

__all__ = ["Serverless", "app"]
