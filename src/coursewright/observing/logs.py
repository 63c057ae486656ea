"""Logs: for people a line on the terminal, for machines one JSON object a line; with the request, or the job, task,
attempt and organisation, at work. Never a secret, never what a prompt or a document says.
"""

import logging
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from coursewright.observing.redact import Redaction
from coursewright.settings import LogSettings

_NUMBERS = ("seconds", "status", "method", "route", "outcome", "kind")  # of `extra`, written as fields of their own


def write_logs(settings: LogSettings, secrets: Iterable[str], *, usual: int = logging.INFO) -> bool:
    """Send the log records of this process to standard error; return whether they are JSON.

    `usual` is the level where the settings name none. Other people's libraries are heard from `warning` on, whatever
    the level: below it, some of them write down whole requests.
    """
    level = logging.getLevelNamesMapping()[settings.level.upper()] if settings.level else usual
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Redaction(secrets))
    final: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        final += [
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        final.append(_brief)
        final.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
            )
        )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(_NUMBERS),
                structlog.processors.TimeStamper(fmt="iso" if as_json else "%H:%M:%S", utc=as_json),
                _exception,
            ],
            processors=final,
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.getLogger("coursewright").setLevel(level)
    return as_json


def _exception(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:  # a processor of structlog
    """Take the exception as the redaction has written it."""
    if event.pop("exc_info", None):
        event["exception"] = event["_record"].exc_text
    return event


def _brief(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:  # a processor of structlog
    """Leave of a line that tells of nothing wrong what a person reads: the rest fills three lines of a terminal."""
    if event["level"] == "info":
        for name in ("level", "logger", "task", "attempt", "organisation", *_NUMBERS):
            event.pop(name, None)
        if job := event.get("job"):
            event["job"] = job[:8]
    return event


@contextmanager
def logged_as(**names: str | int) -> Iterator[None]:
    """Add names to every line that is logged inside, in this task and in those that it starts."""
    with structlog.contextvars.bound_contextvars(**names):
        yield


__all__ = ["logged_as", "write_logs"]
