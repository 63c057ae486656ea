"""Builds the ASGI application around a program."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from coursewright import __version__
from coursewright.api.examples import add_examples
from coursewright.api.metrics import Metrics
from coursewright.api.problems import Problem, install_problems
from coursewright.api.routes import (
    actions,
    courses,
    events,
    generation,
    jobs,
    knowledge,
    operations,
    reports,
    ticks,
    webhooks,
)
from coursewright.api.shell import QUIET, Shell
from coursewright.api.watch import Watch
from coursewright.app import Coursewright
from coursewright.db.pool import connect
from coursewright.settings import Settings

# Spans of requests, where tracing is configured; not FastAPI's logs and inner spans, which quote what was sent.
_TELEMETRY: TelemetryConfig = {
    "tracing": True,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
    "exclude": lambda scope: scope.get("path") in QUIET,
}

Opening = Callable[[], AbstractAsyncContextManager[Coursewright]]

_MULTIPART_OVERHEAD = 64 << 10
_SECONDS_BETWEEN_CLEANING = 600.0
_DESCRIPTION = """Turns an organisation's documents into complete, cited courses, as background work that never times
out. Ask for a course and get a job's id at once; then poll its status or listen to its events.

Errors are problem documents (RFC 9457). Identify yourself with an API key (`coursewright keys create`) or a JSON Web
Token as Bearer."""


def create_app(settings: Settings, opening: Opening, *, local: bool = False) -> FastAPI:
    """Return the application; `opening` yields the program that it serves.

    `local`: the server listens on a loopback address, so as long as there are no keys whoever reaches it owns it.
    """
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as program, contextlib.AsyncExitStack() as stack:

            async def listen() -> psycopg.AsyncConnection[Any]:
                return await connect(program.url, settings.database)

            app.state.program = program
            app.state.watch = Watch(program.jobs.events, program.jobs.watch, listen)
            for duty in (app.state.watch.run(), _clean(program)):
                task = asyncio.create_task(duty)
                stack.push_async_callback(_end, task)
            yield

    app = FastAPI(
        title="Coursewright",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=_TELEMETRY,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    app.state.local = local
    app.state.metrics = metrics
    install_problems(app)
    for part in (generation, jobs, events, actions, reports, knowledge, courses, ticks, webhooks, operations):
        app.include_router(part.router)
    app.mount("/docs/assets", operations.ASSETS)
    _describe(app)
    api = settings.api
    if api.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=api.cors_origins,
            allow_credentials=True,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
            expose_headers=["Location", "Retry-After", "X-Request-Id"],
        )
    app.add_middleware(
        Shell,
        max_body=api.max_body_kb << 10,
        max_upload=(api.max_upload_mb << 20) + _MULTIPART_OVERHEAD,
        local=local,
        observe=metrics.observe,
    )
    return app


def _describe(app: FastAPI) -> None:
    build = app.openapi

    def described() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = build()
            models = schema.setdefault("components", {}).setdefault("schemas", {})
            own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            models |= own.pop("$defs", {}) | {"Problem": own}
            models.pop("HTTPValidationError", None)
            models.pop("ValidationError", None)
            add_examples(schema)
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign] # the way that FastAPI's documentation shows


async def _clean(program: Coursewright) -> None:
    while True:
        with contextlib.suppress(Exception):  # the next round may be luckier
            await program.operations.forget_old()
            await program.courier.forget_old()
        await asyncio.sleep(_SECONDS_BETWEEN_CLEANING)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


__all__ = ["create_app"]
