"""Traces and error reports as real processes send them, to receivers on loopback that speak the real protocols."""

import contextlib
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coursewright.access import ApiKeys
from coursewright.db.pool import Pool
from coursewright.errors import ConfigurationError
from coursewright.observing.reporting import report_surprises
from tests.integration.api.server import serving
from tests.integration.observing.test_logs import WRITTEN, plant_task, until, worker
from tests.loopback import web_server

TASK_KINDS = {
    "knowledge_analysis", "outline_generation", "lesson_section", "lesson_assessment", "lesson_mind_map",
    "lesson_brainbytes", "path_quiz", "class_exam", "content_validation",
}  # fmt: skip
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


class Receiver:
    """Takes whatever is posted, and keeps paths and unpacked bodies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.got: list[tuple[str, bytes]] = []
        self.arrived = threading.Condition()

    def wait_for(self, count: int) -> list[tuple[str, bytes]]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, timeout=60), self.got
        return self.got


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    class Post(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            with taken.arrived:
                taken.got.append((self.path, body))
                taken.arrived.notify_all()
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    with web_server(Post) as url:
        taken = Receiver(url)
        yield taken


async def test_a_trace_leads_from_the_request_to_the_tasks_in_another_process(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    key, _ = await ApiKeys(pool).create("test", uuid4(), uuid4(), "super_admin")
    with receiver() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        headers = {"Authorization": f"Bearer {key}", "traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"}
        with (
            serving(database_url, tmp_path, "--workers", "0", environment=environment) as address,
            worker(database_url, tmp_path, environment),
            httpx2.Client(base_url=address, headers=headers, timeout=60) as http,
        ):
            base = str(uuid4())
            page = f"# Marmalade\n\n{WRITTEN}. Oranges are boiled with sugar.\n".encode()
            http.post("/api/knowledge-base/upload", files={"file": ("m.md", page)}, data={"base_class_id": base})
            job = http.post("/api/course-generation/v2?from=a+page", json={"baseClassId": base}).json()["jobId"]
            await until(pool, "status in ('completed', 'failed') from course_generation_jobs where id = %s", job)
    told = b"".join(body for _, body in collector.got)
    assert WRITTEN.encode() not in told
    spans = [
        (resource, span)
        for path, body in collector.got
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert {span.name.split()[0] for _, span in spans if span.trace_id.hex() == CALLER} <= {"POST", *TASK_KINDS}
    assert {path for path, _ in collector.got} == {"/v1/traces"}
    (asked,) = [span for _, span in spans if span.name == "POST /api/course-generation/v2"]
    assert asked.trace_id.hex() == CALLER
    assert asked.parent_span_id.hex() == "00f067aa0ba902b7"
    assert attribute(asked, "url.query") == "***"
    tasks = [span for _, span in spans if span.name == "knowledge_analysis"]
    assert tasks
    assert {span.trace_id for span in tasks} == {asked.trace_id}
    assert {span.parent_span_id for span in tasks} == {asked.span_id}
    assert {attribute(span, "coursewright.job") for span in tasks} == {job}
    assert "completed" in {attribute(span, "coursewright.outcome") for span in tasks}
    services = {attribute(resource.resource, "service.name") for resource, _ in spans}
    assert services == {"coursewright"}


async def test_the_trace_of_a_job_that_no_request_asked_for_has_its_id(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    with receiver() as collector:
        environment = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces"}
        with worker(database_url, tmp_path, environment):
            job = await plant_task(pool, "lesson_section", "{}")
            await until(pool, "status = 'failed' from course_generation_jobs where id = %s", job)
    (body,) = [body for _, body in collector.got]
    (span,) = ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans
    assert span.trace_id.hex() == job.hex
    assert attribute(span, "error.type") == "unexpected_error"


def attribute(holder: Any, name: str) -> str | None:
    return next((each.value.string_value for each in holder.attributes if each.key == name), None)


async def test_a_surprise_is_reported_with_its_place_and_without_what_people_wrote(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    with receiver() as ingest:
        environment = {"SENTRY_DSN": f"{ingest.url.replace('//', '//public@')}/7"}
        with worker(database_url, tmp_path, environment):
            foreseen = await plant_task(pool, "no_such_kind", "{}")
            plan = json.dumps({"plan": {"title": WRITTEN}})
            surprise = await plant_task(pool, "lesson_section", plan)
            for job in (foreseen, surprise):
                await until(pool, "status = 'failed' from course_generation_jobs where id = %s", job)
            ingest.wait_for(1)
    ((path, body),) = ingest.got
    assert path == "/api/7/envelope/"
    assert WRITTEN.encode() not in body
    event = next(json.loads(line) for line in body.splitlines() if b'"exception"' in line)
    assert event["tags"]["job"] == str(surprise)
    assert event["tags"]["task"] == "planted"
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValidationError", "")
    assert any(frame["module"] == "coursewright.generation.steps" for frame in raised["stacktrace"]["frames"])
    assert not any("vars" in frame for frame in raised["stacktrace"]["frames"])
    assert event["release"].startswith("coursewright@")


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SENTRY_DSN"):
        report_surprises("not an address")
