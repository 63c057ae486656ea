"""Turns what a vendor's SDK raises into the errors of a call. OpenAI's and Anthropic's SDKs have the same shapes."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from coursewright.errors import (
    CallError,
    CallTimedOut,
    ConnectionLost,
    CoursewrightError,
    KeyRefused,
    NoCapacity,
    Overloaded,
    PromptTooLong,
    QuotaExhausted,
    RateLimited,
    ReplyLost,
    RequestRefused,
    UnknownModel,
)
from coursewright.llm.headers import retry_after

UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)  # what reading an answer of another shape ends in
_NOT_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol")
_TOO_LONG = ("context_length_exceeded", "string_above_max_length")
_TOO_LONG_WORDS = ("context length", "context window", "prompt is too long", "maximum context", "too many tokens")
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached", "billing_error")


@contextlib.contextmanager
def mapped(sdk: Any, vendor: str, *, lost_when_missing: bool = False, free: bool = False) -> Iterator[None]:
    """Translate the errors of `sdk` (the module `openai` or `anthropic`), and those of reading what it returns: it
    checks no answer, so that a proxy's page comes as text, and JSON of another kind without what is looked for.

    `lost_when_missing`: 404 means that a reply is gone, not that there is no such model. `free`: nothing is billed for
    this, whatever became of it.
    """
    try:
        yield
    except sdk.APITimeoutError as error:
        raise CallTimedOut(f"{vendor} gave no whole reply in time.", billed=not (free or _never_sent(error))) from error
    except sdk.APIConnectionError as error:
        sent = not _never_sent(error)
        what = "broke the connection in mid-reply" if sent else "cannot be reached"
        raise ConnectionLost(f"{vendor} {what}: {_cause(error)}", billed=sent and not free) from error
    except sdk.APIStatusError as error:
        raise status_error(
            vendor, error.status_code, error_body(error.body), dict(error.response.headers), lost_when_missing
        ) from error
    except sdk.APIError as error:  # an error event inside a stream
        body = error_body(error.body)
        raise status_error(vendor, 429 if "rate" in str(body.get("type")) else 500, body, {}, False) from error
    except (*UNREADABLE, *sdk.APIError.__bases__) as error:  # the latter: whatever else the SDK raises
        raise CallError(f"{vendor} sent an answer that cannot be read: {error!r}", billed=not free) from error


def status_error(
    vendor: str, status: int, body: Mapping[str, Any], headers: Mapping[str, str], lost_when_missing: bool
) -> CoursewrightError:
    """Return the error that a response of status 4xx or 5xx stands for."""
    headers = {name.lower(): value for name, value in headers.items()}
    message = str(body.get("message") or f"HTTP {status}")
    codes = {str(body.get("code") or ""), str(body.get("type") or "")}
    said = f"{vendor}: {message}"
    if codes & set(_NO_CREDIT) or "credit balance" in message.lower():
        return QuotaExhausted(said, hint="Add credit to the account, or use another key.")
    if codes & set(_TOO_LONG) or (status in (400, 413) and any(part in message.lower() for part in _TOO_LONG_WORDS)):
        return PromptTooLong(said, headers=headers)
    match status:
        case 401 | 403:
            return KeyRefused(said, hint="Set a valid key, and let it use this model.")
        case 402:
            return QuotaExhausted(said, hint="Add credit to the account, or use another key.")
        case 404 if lost_when_missing:
            return ReplyLost(said)
        case 404:
            return UnknownModel(said, hint="`coursewright models` lists what is configured; choose another --model.")
        case 408 | 504:
            return CallTimedOut(said)
        case 429 if "resource_unavailable" in codes or "resource unavailable" in message.lower():
            return NoCapacity(said, headers=headers)
        case 429:
            return RateLimited(said, retry_after=retry_after(headers), headers=headers)
        case _ if status >= 500:
            return Overloaded(said, retry_after=retry_after(headers), headers=headers)
        case _ if codes & {"model_not_found"}:
            return UnknownModel(said, hint="Choose another --model.")
        case _:
            return RequestRefused(said, headers=headers)


def error_body(body: object) -> dict[str, Any]:
    """Return the error object itself, whether or not the vendor wraps it; of anything else, its words."""
    if isinstance(body, dict):
        inner = body.get("error")
        return dict(inner) if isinstance(inner, dict) else {"message": inner, **body}
    return {"message": str(body)[:300]} if body else {}


def unsupported_parameter(error: RequestRefused) -> tuple[str, str | None]:
    """Return the parameter that a refusal complains of and that can be left out ("": none), and its other name."""
    text = error.detail.lower().replace("flex", "service_tier")  # its only value here, and sometimes all that is said
    words = ("unsupported", "not support", "not available", "unknown", "unrecognized", "deprecated")
    if not any(word in text for word in words):
        return "", None
    if "'max_tokens'" in text and "'max_completion_tokens'" in text:
        return "max_tokens", "max_completion_tokens"
    names = ("temperature", "seed", "reasoning_effort", "reasoning", "thinking", "metadata", "service_tier")
    return next((name for name in names if name in text), ""), None


def _never_sent(error: Any) -> bool:
    return type(error.__cause__).__name__ in _NOT_SENT


def _cause(error: Any) -> str:
    return str(error.__cause__ or error) or type(error.__cause__ or error).__name__


__all__ = ["UNREADABLE", "error_body", "mapped", "status_error", "unsupported_parameter"]
