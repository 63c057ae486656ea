"""The report on a job as a file: JSON for programs, CSV for spreadsheets, PDF for people."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = dict[str, Any]

_COLUMNS = (
    "task_identifier", "task_type", "status", "attempt", "current_retry_count", "queued_at", "started_at",
    "completed_at", "actual_duration_seconds", "error_category", "error_message", "recovery_suggestions",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a cell that begins so


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told about a job."""

    job: Row
    tasks: Sequence[Row]
    errors: Sequence[Row]
    actions: Sequence[Row]
    measures: Row


def as_json(report: Report) -> bytes:
    """Return the report as one JSON object."""
    job = {name: value for name, value in report.job.items() if name not in ("messages", "event_count")}
    told = {
        "job": job,
        "tasks": report.tasks,
        "errors": report.errors,
        "userActions": report.actions,
        "analytics": report.measures["performance"] | {"spendUsd": report.measures["spend_usd"]},
        "messages": report.job["messages"],
    }
    return (json.dumps(told, ensure_ascii=False, indent=2, default=_plain) + "\n").encode()


def as_csv(report: Report) -> bytes:
    """Return one line a task (RFC 4180), with the mark by which spreadsheets know UTF-8."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(_COLUMNS)
    for task in report.tasks:
        lines.writerow([_cell(task[name]) for name in _COLUMNS])
    return "\ufeff".encode() + out.getvalue().encode()


def as_pdf(report: Report) -> bytes:
    """Return a document of a few pages: what was asked for, what came of it, what failed, who did what."""
    from coursewright.api import report_pdf  # its library takes a while to load

    return report_pdf.as_pdf(report)


FORMATS: dict[str, tuple[str, Callable[[Report], bytes]]] = {
    "json": ("application/json", as_json),
    "csv": ("text/csv; charset=utf-8", as_csv),
    "pdf": ("application/pdf", as_pdf),
}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(str(each) for each in value)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


__all__ = ["FORMATS", "Report"]
