"""For operators and orchestrators: alive, able to work, measures, and the description of the API."""

import hmac
from pathlib import Path
from typing import Literal

import fastapi_offline
from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel
from starlette.staticfiles import StaticFiles

from coursewright import __version__
from coursewright.api.callers import Program
from coursewright.api.metrics import Metrics
from coursewright.errors import Unauthenticated

router = APIRouter(tags=["operations"])
ASSETS = StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static")


class Alive(BaseModel):
    status: Literal["ok"] = "ok"
    version: str = __version__


class CheckResult(BaseModel):
    name: str
    passed: bool
    detail: str


class Ready(BaseModel):
    status: Literal["ok", "not ready"]
    checks: list[CheckResult]


@router.get("/healthz", summary="Whether the process is alive")
async def healthz() -> Alive:
    """Answer at once, without the database."""
    return Alive()


@router.get(
    "/readyz",
    summary="Whether the service is able to work",
    responses={200: {"model": Ready}, 503: {"model": Ready, "description": "It is not; `checks` say why."}},
)
async def readyz(program: Program) -> Response:
    """Check the database, its migrations and its row level security."""
    checks = [CheckResult(name=c.name, passed=c.passed, detail=c.detail) for c in await program.operations.checks()]
    good = all(check.passed for check in checks)
    told = Ready(status="ok" if good else "not ready", checks=checks)
    return JSONResponse(told.model_dump(), 200 if good else 503)


@router.get(
    "/metrics",
    summary="Measures for Prometheus",
    response_class=Response,
    responses={
        200: {"description": "Prometheus text format.", "content": {"text/plain": {}}},
        401: {"description": "Unauthorized"},
        503: {"description": "The database is away."},
    },
)
async def metrics(request: Request, program: Program) -> Response:
    """Return counts and durations; needs the token of the settings, but on a loopback server without one."""
    token = program.settings.api.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token is None and not request.app.state.local:
        raise Unauthenticated("Measures need a token.", hint="Set COURSEWRIGHT_API__METRICS_TOKEN.")
    if token is not None and not hmac.compare_digest(given.encode(), token.get_secret_value().encode()):
        raise Unauthenticated("The token for measures is not valid.", hint="See COURSEWRIGHT_API__METRICS_TOKEN.")
    measured: Metrics = request.app.state.metrics
    return Response(measured.text(*await program.operations.measures()), media_type=measured.content_type)


@router.get("/", include_in_schema=False)
async def home(request: Request) -> RedirectResponse:
    """Lead whoever opens the address in a browser to what there is to see."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """Show the API; every file of the page comes from this server."""
    root = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="Coursewright API",
        swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/assets/favicon.png",
    )


__all__ = ["ASSETS", "router"]
