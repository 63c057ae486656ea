"""Hooks of schemathesis: signs what goes to the webhook, and writes down the ticks that were answered with 200.

`WEBHOOK_URL`: what is signed for. `JOB_ID`: the job that is named there instead of one that nobody knows. `REACHED`: a
file for the ticks.
"""

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
import schemathesis

from tests.qstash import signature

TICKS = ("/process-course", "/api/cron/process-courses")


class _Signed(requests.auth.AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[arg-type] # never a stream
        request.headers.update(signature(content, os.environ["WEBHOOK_URL"]))
        return request


@schemathesis.hook
def before_call(_context: object, case: Any, kwargs: dict[str, Any]) -> None:
    if case.operation.path == TICKS[0]:
        kwargs["auth"] = _Signed()
        if "JOB_ID" in os.environ and isinstance(case.body, dict) and _is_id(case.body.get("jobId")):
            case.body["jobId"] = os.environ["JOB_ID"]


@schemathesis.hook
def after_call(_context: object, case: Any, response: Any) -> None:
    if case.operation.path in TICKS and response.status_code == 200:
        with Path(os.environ["REACHED"]).open("a") as reached:
            reached.write(f"{case.method.upper()} {case.operation.path}\n")


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False
