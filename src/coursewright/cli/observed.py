"""What the commands that run unwatched (`serve`, `worker`, `tick`) write: lines for people, or log records."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from coursewright.cli.console import say

if TYPE_CHECKING:
    from coursewright.settings import Settings

_log = logging.getLogger("coursewright.cli")
_LEVELS = {"✗": logging.ERROR, "!": logging.WARNING}


def observed(settings: Settings, *, usual: int = logging.INFO) -> Callable[[str, str], None]:
    """Set up logs, traces and error reports; return what says a line under a mark, as `say` does.

    Where logs are for machines it becomes a record among them, so that every line of the output is JSON.
    """
    from coursewright.observing.redact import secrets_in
    from coursewright.observing.setup import observe

    as_json = observe(settings.logs, secrets_in(settings), settings.sentry_dsn, usual=usual)
    return _record if as_json else say


def _record(mark: str, text: str) -> None:
    _log.log(_LEVELS.get(mark, logging.INFO), "%s", text)


__all__ = ["observed"]
