"""Sentry (extra `sentry`, off without SENTRY_DSN): surprises are reported with their place in the code and the ids of
request, job and task; never with what people wrote.
"""

import logging
from typing import Any

import structlog

from coursewright import __version__
from coursewright.errors import ConfigurationError, DatabaseUnavailable

_FLUSH_SECONDS = 2


def report_surprises(dsn: str) -> None:
    """Report every error that is logged with its exception. Raises ConfigurationError."""
    try:
        import sentry_sdk
        from sentry_sdk.integrations.logging import LoggingIntegration
    except ImportError as error:
        raise ConfigurationError(
            "SENTRY_DSN is set, and sentry-sdk is not installed.", hint="pip install 'coursewright[sentry]'"
        ) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"coursewright@{__version__}",
            default_integrations=False,  # no request bodies, no arguments of the process, no breadcrumbs
            auto_enabling_integrations=False,
            integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
            include_local_variables=False,
            include_source_context=True,
            max_breadcrumbs=0,
            before_send=_without_content,
            shutdown_timeout=_FLUSH_SECONDS,
        )
    except sentry_sdk.utils.BadDsn as error:
        raise ConfigurationError("SENTRY_DSN is not an address of Sentry.", hint="Copy it from the project.") from error


def _without_content(event: Any, hint: dict[str, Any]) -> Any:
    """Keep kind and place of an exception; its message may quote a document, and so may that of the log."""
    raised = (hint.get("exc_info") or (None, None))[1]
    if raised is None or isinstance(raised, DatabaseUnavailable):
        return None  # foreseen, or told by an alert
    for value in event.get("exception", {}).get("values", ()):
        value["value"] = ""
    for part in ("logentry", "message", "extra", "breadcrumbs", "request", "server_name"):
        event.pop(part, None)
    names = structlog.contextvars.get_contextvars()
    event["tags"] = event.get("tags", {}) | {name: str(value) for name, value in names.items()}
    return event


__all__ = ["report_surprises"]
