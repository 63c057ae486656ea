"""The only table from errors to HTTP statuses, and how an error is told: RFC 9457, with `success` and `error` beside.

Nothing of a surprise is told but an id to look for in the log.
"""

import logging
import math
from http import HTTPStatus
from typing import Any, Literal

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from coursewright import errors
from coursewright.errors import CoursewrightError, LimitReached, Unauthenticated

_log = logging.getLogger(__name__)

STATUSES: dict[type[CoursewrightError], int] = {
    errors.CoursewrightError: 500,
    errors.InputError: 422,
    errors.UnreadableDocument: 422,
    errors.NothingToRead: 422,
    errors.TooFewSources: 422,
    errors.InvalidRequest: 422,
    errors.TooLarge: 413,
    errors.Unauthenticated: 401,
    errors.IssuerUnavailable: 503,
    errors.Forbidden: 403,
    errors.LimitReached: 429,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.ConfigurationError: 500,
    errors.DatabaseUnavailable: 503,
    errors.MigrationError: 503,
    errors.OutputError: 507,
    errors.SubprocessDied: 500,
    errors.CallError: 502,
    errors.RateLimited: 503,
    errors.Overloaded: 502,
    errors.NoCapacity: 502,
    errors.CallTimedOut: 504,
    errors.ConnectionLost: 502,
    errors.ReplyLost: 502,
    errors.RequestRefused: 502,
    errors.PromptTooLong: 422,
    errors.NoUsableReply: 502,
    errors.NeedsAction: 409,
    errors.KeyRefused: 502,
    errors.QuotaExhausted: 502,
    errors.UnknownModel: 422,
    errors.BudgetReached: 402,
    errors.PriceUnknown: 422,
    errors.NeedsWorker: 409,
    errors.JobFailed: 409,
    errors.Interrupted: 503,
}

_SECONDS_UNTIL_THE_DATABASE_MAY_BE_BACK = 5


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(examples=["body.priority"])
    message: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:coursewright:problem:not_found",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no job 3f1c2a5e-0000-4000-8000-000000000000.",
                    "hint": "GET /api/course-generation/v2 lists the jobs.",
                    "instance": "5b1f0a7c9d2e4f60",
                    "code": "not_found",
                    "success": False,
                    "error": "There is no job 3f1c2a5e-0000-4000-8000-000000000000.",
                    "errors": [],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str = Field(description="What happened.")
    hint: str = Field("", description="What to do.")
    instance: str = Field(description="The id of this request in the service's log.")
    code: str = Field(description="Does not change between versions.")
    success: Literal[False] = False
    error: str = Field(description="The same as `detail`.")
    errors: list[FieldError] = []


def install_problems(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(CoursewrightError, answer_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(psycopg.DataError, _on_data)
    app.add_exception_handler(psycopg.errors.ForeignKeyViolation, _on_vanished)
    app.add_exception_handler(ClientDisconnect, _on_gone)
    app.add_exception_handler(Exception, _on_surprise)


def problem(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    hint: str = "",
    fields: list[FieldError] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return the answer to a request that went wrong."""
    told = Problem(
        type=f"urn:coursewright:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        hint=hint,
        instance=str(request.scope.get("request_id", "")),
        code=code,
        error=detail,
        errors=fields or [],
    )
    return JSONResponse(told.model_dump(), status, headers, media_type="application/problem+json")


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of ours."""
    assert isinstance(error, CoursewrightError)  # noqa: S101 - installed for this class
    status = STATUSES.get(type(error), 500)
    headers: dict[str, str] = {}
    if isinstance(error, LimitReached):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_SECONDS_UNTIL_THE_DATABASE_MAY_BE_BACK)
    elif isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if status >= 500:
        _log.error("%s: %s", error.code, error.detail, exc_info=error)
    return problem(request, status, error.code, error.detail, hint=error.hint, headers=headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - installed for this class
    fields = [_field(each) for each in error.errors()]
    told = "; ".join(f"{each.field}: {each.message}" for each in fields[:5])
    whole = any(each.field == "body" for each in fields)
    hint = "Send the body as JSON, with the header Content-Type: application/json." if whole else ""
    return problem(request, 422, "invalid_request", f"The request is not valid. {told}", hint=hint, fields=fields)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - installed for this class
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 400: "invalid_request"}
    code = codes.get(error.status_code, "error")
    headers = dict(error.headers) if error.headers else None
    lost = error.detail == "Not Found"
    detail, hint = ("There is no such route.", "/docs shows them all.") if lost else (str(error.detail), "")
    return problem(request, error.status_code, code, detail, hint=hint, headers=headers)


async def _on_data(request: Request, error: Exception) -> JSONResponse:
    """Text may hold what Postgres cannot store (U+0000, half a surrogate pair), in fields that nobody looks into."""
    _log.info("a request held what cannot be stored: %s", error)
    return problem(request, 422, "invalid_request", "The request holds a value that cannot be stored, such as U+0000.")


async def _on_vanished(request: Request, error: Exception) -> JSONResponse:
    """What a new row hangs on was deleted between the look and the write, or the application has no such row."""
    _log.info("a request referred to what is not there: %s", error)
    return problem(
        request,
        409,
        "conflict",
        "What this hangs on does not exist, or was deleted at this moment.",
        hint="Look again.",
    )


async def _on_gone(request: Request, error: Exception) -> JSONResponse:
    """The caller hung up in the middle of its own request: nobody reads the answer, and nothing is amiss here."""
    return problem(request, 400, "invalid_request", "The request broke off.")


async def _on_surprise(request: Request, error: Exception) -> JSONResponse:
    _log.error("a request raised", exc_info=error)
    return problem(
        request,
        500,
        "error",
        "The service has met a defect of its own.",
        hint="Try again; if it stays, tell the operator the id in `instance`.",
    )


def _field(error: Any) -> FieldError:
    return FieldError(field=".".join(str(part) for part in error["loc"]), message=str(error["msg"]))


def as_invalid(error: ValidationError, where: str) -> RequestValidationError:
    """Return what FastAPI raises for a body that it checked itself."""
    return RequestValidationError([{**each, "loc": (where, *each["loc"])} for each in error.errors()])


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may answer with, beside those that every route may."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted({400, 401, 403, 413, 422, 500, 503, *statuses})
    }


__all__ = [
    "STATUSES",
    "FieldError",
    "Problem",
    "answer_error",
    "as_invalid",
    "install_problems",
    "problem",
    "responses",
]
