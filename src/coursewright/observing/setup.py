"""Sets up what is seen of a process from outside: logs, and, where they are configured, traces and error reports."""

import logging
from collections.abc import Iterable

from pydantic import SecretStr

from coursewright.observing.logs import write_logs
from coursewright.observing.reporting import report_surprises
from coursewright.observing.tracing import export_traces
from coursewright.settings import LogSettings


def observe(
    logs: LogSettings, secrets: Iterable[str], sentry_dsn: SecretStr | None, *, usual: int = logging.INFO
) -> bool:
    """Begin to log, trace and report; return whether logs are for machines. Raises ConfigurationError.

    `secrets` are kept out of the logs; `usual` is their level where the settings name none.
    """
    as_json = write_logs(logs, secrets, usual=usual)
    export_traces()
    if sentry_dsn:
        report_surprises(sentry_dsn.get_secret_value())
    return as_json


__all__ = ["observe"]
