"""What the commands that run unwatched (`serve`, `worker`, `tick`) write: lines for people, or log records."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from coursewright.cli.console import say
from coursewright.cli.exits import EXIT_CODES
from coursewright.errors import CoursewrightError

if TYPE_CHECKING:
    from coursewright.settings import Settings

_log = logging.getLogger("coursewright.cli")
_LEVELS = {"✗": logging.ERROR, "!": logging.WARNING}


@contextmanager
def observed(settings: Settings, *, usual: int = logging.INFO) -> Iterator[Callable[[str, str], None]]:
    """Set up logs, traces and error reports; yield what says a line under a mark, as `say` does.

    Where logs are for machines it becomes a record among them, and so does the error that ends the command: every line
    of the output is JSON.
    """
    from coursewright.observing.redact import secrets_in
    from coursewright.observing.setup import observe

    as_json = observe(settings.logs, secrets_in(settings), settings.sentry_dsn, usual=usual)
    try:
        yield _record if as_json else say
    except CoursewrightError as error:
        if not as_json:
            raise
        _log.error("%s %s", error.detail, error.hint)
        raise typer.Exit(EXIT_CODES[error.code]) from error


def _record(mark: str, text: str) -> None:
    _log.log(_LEVELS.get(mark, logging.INFO), "%s", text)


__all__ = ["observed"]
