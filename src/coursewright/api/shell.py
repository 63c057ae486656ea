"""What surrounds every request: an id, a limit on the body, security headers, one line in the log, a measurement."""

import logging
import secrets
import time
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coursewright.api.callers import is_loopback

_log = logging.getLogger("coursewright.api.requests")

UPLOADS = "/api/knowledge-base/upload"
_DOCS_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'"
)
_POLICY = "default-src 'none'; frame-ancestors 'none'"
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

Observe = Callable[[str, str, int, float], None]


class Shell:
    """Wraps the application. `observe` is told method, route, status and seconds of every request."""

    def __init__(self, app: ASGIApp, *, max_body: int, max_upload: int, local: bool, observe: Observe) -> None:
        self._app = app
        self._max_body = max_body
        self._max_upload = max_upload
        self._local = local
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)
        began = time.perf_counter()
        status = 500
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Frame-Options"] = "DENY"
                headers.setdefault("Content-Security-Policy", _DOCS_POLICY if path.startswith("/docs") else _POLICY)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        try:
            if self._local and not is_loopback(headers.get("host", "")):
                # A name that was made to point here (DNS rebinding).
                answer = JSONResponse({"success": False, "error": "This server answers to loopback names only."}, 421)
                await answer(scope, receive, send_with_headers)
                return
            limit = self._max_upload if path == UPLOADS else self._max_body
            await self._app(scope, _limited(receive, headers, limit), send_with_headers)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "other")
            self._observe(scope["method"], route, status, seconds)
            if path not in QUIET:
                about = {"status": status, "seconds": round(seconds, 4)}
                _log.info("%s %s %s in %.1f ms", scope["method"], path, status, seconds * 1000, extra=about)


def _limited(receive: Receive, headers: Headers, most: int) -> Receive:
    """Refuse a body above a limit as soon as it is told or seen to be."""
    told = headers.get("content-length", "0")
    received = 0

    async def limited() -> Message:
        nonlocal received
        if told.isdecimal() and int(told) > most:
            raise _too_large(most)
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > most:
                raise _too_large(most)
        return message

    return limited


def _too_large(most: int) -> HTTPException:
    size = f"{most / (1 << 20):g} MB" if most >= 1 << 20 else f"{most / 1024:g} KB"
    return HTTPException(413, f"The request's body is larger than {size}.", {"Connection": "close"})


__all__ = ["QUIET", "UPLOADS", "Shell"]
