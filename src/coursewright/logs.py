"""Logs for machines: one JSON object a line on standard error, with the job, task, attempt and organisation at work."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog


def write_json_logs(level: int = logging.INFO) -> None:
    """Send every log record of this process to standard error as JSON."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx2", "httpcore2", "psycopg.pool"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def logged_as(**names: Any) -> Iterator[None]:
    """Add names to every line that is logged inside."""
    with structlog.contextvars.bound_contextvars(**{name: str(value) for name, value in names.items()}):
        yield


__all__ = ["logged_as", "write_json_logs"]
