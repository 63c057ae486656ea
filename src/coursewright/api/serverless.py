"""The application for hosts that import it and call it (`app`): Vercel, or any ASGI server that is told
`coursewright.api.serverless:app`.

Such hosts may not send the events of the lifespan, and may run each request in an event loop of its own: what is open
belongs to a loop, and is opened by the first request in it.
"""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from coursewright.api.application import create_app
from coursewright.app import open_coursewright
from coursewright.errors import ConfigurationError
from coursewright.logs import write_json_logs
from coursewright.settings import Settings


class Serverless:
    """Builds the application when it is first needed."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._lifespan: AbstractAsyncContextManager[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the lifespan's events where the host sends them."""
        if scope["type"] == "lifespan":
            self._loop, self._opening = asyncio.get_running_loop(), asyncio.Lock()
            self._app, _ = _build()
            await self._app(scope, receive, send)
            return
        scope["began"] = time.monotonic()
        await (await self._opened())(scope, receive, send)

    async def _opened(self) -> ASGIApp:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # what another loop had opened went with it
            self._loop, self._opening, self._app = loop, asyncio.Lock(), None
        assert self._opening is not None  # noqa: S101 - set with the loop
        async with self._opening:
            if self._app is None:
                app, lifespan = _build()
                await lifespan.__aenter__()
                self._app, self._lifespan = app, lifespan
        return self._app


def _build() -> tuple[ASGIApp, AbstractAsyncContextManager[Any]]:
    settings = Settings()
    if settings.database_url is None:
        raise ConfigurationError(
            "A host that forgets its files needs a database elsewhere.", hint="Set DATABASE_URL to a Postgres."
        )
    write_json_logs()
    app = create_app(settings, lambda: open_coursewright(settings))
    return app, app.router.lifespan_context(app)


app = Serverless()

__all__ = ["Serverless", "app"]
