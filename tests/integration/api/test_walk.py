"""A client that knows nothing but the routes drives a course from upload to export; the server is a real process.

It does what pages do, makes the mistakes that pages make, and has called every route of the description at the end.
"""

import asyncio
import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx2
import pytest

from coursewright.api.routes.courses import attachment
from tests.integration.api.conftest import HANDBOOK
from tests.integration.api.server import serving
from tests.loopback import web_server

V2 = "/api/course-generation/v2"
KB = "/api/knowledge-base"
NOT_FOR_PAGES = {
    ("GET", "/api/cron/process-courses"),
    ("POST", "/api/cron/process-courses"),
    ("POST", "/process-course"),
    ("POST", "/api/webhooks/openai"),
}


class Page:
    """A front end: remembers which routes it called, and expects of every answer what pages expect."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.called: set[tuple[str, str]] = set()

    async def call(self, method: str, path: str, status: int = 200, **request: Any) -> Any:
        """Call a route and return its answer, which must have this status."""
        answer = await self.http.request(method, path, **request)
        self.called.add((method, path.partition("?")[0]))
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        if "json" not in answer.headers["content-type"]:
            return answer.content
        told = answer.json()
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert (told["success"], told["status"]) == (False, status)
            assert told["error"] == told["detail"] != ""
            assert "Traceback" not in answer.text
        elif path.startswith("/api") and "/export" not in path:
            assert told["success"] is True
        return told

    async def act(self, job: str, action: str, status: int = 200, tasks: tuple[str, ...] = ()) -> Any:
        body = {"jobId": job, "actionType": action, "taskIds": list(tasks), "actionContext": {"page": "test"}}
        return await self.call("POST", f"{V2}/user-action", status, json=body)

    async def events(self, job: str, after: int = 0) -> AsyncIterator[tuple[int, str, dict[str, Any]]]:
        """Yield number, kind and content of the events of a job, as EventSource does."""
        path = f"{V2}/events/{job}"
        self.called.add(("GET", path))
        headers = {"Last-Event-ID": str(after)} if after else {}
        async with self.http.stream("GET", path, headers=headers) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            number, kind = 0, ""
            async for line in stream.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "event":
                    kind = value
                elif name == "data":
                    yield number, kind, json.loads(value)

    async def watched(self, job: str, after: int = 0) -> list[tuple[int, str]]:
        return [(number, kind) async for number, kind, _ in self.events(job, after)]

    async def status(self, job: str) -> Any:
        return (await self.call("GET", f"{KB}/generation-status/{job}"))["job"]


@pytest.fixture
def web() -> Iterator[str]:
    """A page on the web: the handbook's glossary."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(HANDBOOK))
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined] # nothing of it on the screen
    with web_server(handler) as url:
        yield f"{url}/11-glossary.html"


@pytest.fixture
def key(tmp_path: Path, database_url: str) -> str:
    """The key that an operator has made for the front end."""
    words = [sys.executable, "-m", "coursewright", "keys", "create", "front end", "--role", "teacher"]
    made = subprocess.run(
        words, cwd=tmp_path, env={"DATABASE_URL": database_url, "PATH": ""}, capture_output=True, text=True, check=True
    )
    found = re.search(r"cw_[\w-]{43}", made.stdout)
    assert found, made.stdout
    return found[0]


@pytest.fixture
def server(tmp_path: Path, database_url: str, key: str) -> Iterator[str]:
    """Address of a server with a worker."""
    environment = {"COURSEWRIGHT_API__URL_NETWORKS": '["127.0.0.0/8"]'}
    with serving(database_url, tmp_path, environment=environment) as address:
        yield address


async def test_from_upload_to_export(server: str, key: str, web: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=server, timeout=60, headers=headers) as http:
        page = Page(http)
        await operations(page)
        base = await documents(page, web)
        await knowledge_base(page, base)
        job = await a_course(page, base)
        await about(page, base, job)
        await done_again(page, job)
        await taken_away(page, job)
        await other_jobs(page, base)
        await mistakes(page, base, job)
        await forgotten(page, base, job)
        described = await page.call("GET", "/openapi.json")
    wanted = {(method.upper(), path) for path, each in described["paths"].items() for method in each} - NOT_FOR_PAGES
    templates = {path: re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)) for _, path in wanted}
    called = {
        (method, template)
        for method, path in page.called
        for template, pattern in templates.items()
        if pattern.fullmatch(path)
    }
    assert wanted - called == set()


async def operations(page: Page) -> None:
    assert (await page.call("GET", "/healthz"))["status"] == "ok"
    assert all(each["passed"] for each in (await page.call("GET", "/readyz"))["checks"])
    assert b"coursewright_" in await page.call("GET", "/metrics")  # on a loopback address
    anonymous = httpx2.AsyncClient(base_url=page.http.base_url)
    async with anonymous:
        refused = await Page(anonymous).call("GET", V2, 401)
    assert "Bearer" in refused["hint"]


async def documents(page: Page, web: str) -> str:
    """Upload a handbook, add a page of the web, and wait until all is read."""
    base = str(uuid4())
    for path in sorted(HANDBOOK.glob("0[1-5]*.*")):
        form = {"files": {"file": (path.name, path.read_bytes())}, "data": {"base_class_id": base}}
        assert (await page.call("POST", f"{KB}/upload", 202, **form))["status"] == "queued"
    link = await page.call("POST", f"{KB}/url", 202, json={"url": web, "baseClassId": base})
    assert link["document"]["source_url"] == web
    for name in ("broken.pdf", "torn.pdf"):
        broken = {"files": {"file": (name, f"%PDF-1.7 {name}".encode())}, "data": {"base_class_id": base}}
        await page.call("POST", f"{KB}/upload", 202, **broken)
    while True:
        listed = await page.call("GET", f"{KB}/documents?base_class_id={base}")
        if listed["progress"]["done"] == listed["progress"]["total"]:
            break
        await asyncio.sleep(0.1)  # as the page does
    states = {each["name"]: each["status"] for each in listed["documents"]}
    assert (states.pop("broken.pdf"), states.pop("torn.pdf")) == ("error", "error")
    assert set(states.values()) == {"completed"}
    (bad,) = [each for each in listed["documents"] if each["name"] == "broken.pdf"]
    assert bad["error"]
    assert bad["hint"]
    await page.call("DELETE", f"{KB}/documents/{bad['id']}")
    return base


async def knowledge_base(page: Page, base: str) -> None:
    """What the form shows before a course is asked for."""
    told = await page.call("GET", f"{V2}?baseClassId={base}")
    analysis = told["knowledgeBaseAnalysis"]
    assert analysis["totalDocuments"] == 6
    assert analysis["totalChunks"] > 20
    assert analysis["contentDepth"] in ("minimal", "moderate", "comprehensive")
    assert analysis["analysisDetails"]["conceptCoverage"]
    assert told["recommendedMode"] in told["generationModes"]
    assert told["existingCourseOutlines"] == []
    found = await page.call("POST", f"{KB}/search", json={"query": "What is a drone?", "baseClassId": base})
    best = found["results"][0]
    assert "drone" in best["highlight"]["text"].lower()
    where = {"documentId": best["documentId"], "chunkId": best["chunkId"]}
    passage = await page.call("GET", f"{KB}/source-context", params=where)
    assert passage["text"] == best["text"]


async def a_course(page: Page, base: str) -> str:
    """Ask twice with one key, watch, be cut off, come back, pause, resume; and read what a page shows meanwhile."""
    form = {
        "baseClassId": base, "title": "Keeping Honey Bees", "generationMode": "kb_only", "academicLevel": "college",
        "estimatedDurationWeeks": None, "prerequisites": "", "assessmentSettings": {"questionsPerLesson": 3},
    }  # fmt: skip
    keyed = {"headers": {"Idempotency-Key": "form-1"}}
    asked = await page.call("POST", V2, 202, json=form, **keyed)
    again = await page.call("POST", V2, 202, json=form, **keyed)
    job = asked["jobId"]
    assert again["jobId"] == job
    assert (asked["status"], asked["version"], asked["author"]) == ("queued", "v2", "extractive")
    assert "a reading level" in asked["message"]
    await page.call("POST", V2, 422, json=form | {"title": "Another"}, **keyed)

    seen: list[tuple[int, str]] = []
    paused = False
    async for number, kind, _ in page.events(job):
        seen.append((number, kind))
        if kind == "task_completed" and not paused:
            paused = True
            await page.act(job, "pause_job")
        if kind == "job_paused":
            break  # the network is gone
    status = await page.status(job)
    assert status["status"] == "paused"
    assert status["completed_tasks"] < status["total_tasks"] or status["total_tasks"] < 3
    health = await page.call("GET", f"{KB}/jobs/{job}/health")
    assert (health["healthy"], health["status"]) == (True, "paused")
    await page.act(job, "pause_job", 409)
    await page.act(job, "resume_job")
    seen += await page.watched(job, after=seen[-1][0])
    assert [kind for _, kind in seen][-2:] == ["job_completed", "end"]
    assert "job_resumed" in [kind for _, kind in seen]
    numbers = [number for number, kind in seen if kind != "end"]
    assert numbers == list(range(1, len(numbers) + 1))  # none missed, none twice
    return str(job)


async def about(page: Page, base: str, job: str) -> None:
    told = await page.call("GET", f"{KB}/generation-status/{job}")
    assert (told["job"]["status"], told["job"]["progress_percentage"]) == ("completed", 100)
    assert told["job"]["result_data"]["taskSummary"]["successRate"] == 100
    message = told["job"]["result_data"]["message"]
    assert message == "“Keeping Honey Bees” is finished. Not read: torn.pdf; the quality report says why."
    assert told["courseOutline"]["title"] == "Keeping Honey Bees"
    assert (told["eta_seconds"], told["spend_usd"]) == (None, 0)
    assert told["messages"][-1]["message"].startswith("The course is finished")
    assert (await page.call("GET", f"{V2}/job/{job}"))["job"]["id"] == job
    tasks = await page.call("GET", f"{V2}/tasks/{job}")
    assert tasks["summary"]["completed"] == tasks["summary"]["total"] == len(tasks["tasks"])
    assert sum(map(len, tasks["tasksByType"].values())) == len(tasks["tasks"])
    assert {each["status"] for each in tasks["tasks"]} == {"completed"}
    assert await page.call("GET", f"{V2}/errors/{job}") == {"success": True, "errors": [], "errorsByCategory": {}}
    analytics = (await page.call("GET", f"{V2}/analytics/{job}"))["analytics"]
    assert analytics["totalSeconds"] > 0
    assert analytics["tasksByType"]["lesson_section"]["count"] == len(tasks["tasksByType"]["lesson_section"])
    (active,) = (await page.call("GET", "/api/course-generation/active-jobs"))["jobs"]
    assert (active["id"], active["progress"], active["title"]) == (job, 100, "Keeping Honey Bees")
    assert active["baseClassId"] == base
    listed = await page.call("GET", f"{V2}?status=completed&limit=1")
    assert [each["id"] for each in listed["jobs"]] == [job]
    outlines = (await page.call("GET", f"{V2}?baseClassId={base}"))["existingCourseOutlines"]
    assert [each["title"] for each in outlines] == ["Keeping Honey Bees"]


async def done_again(page: Page, job: str) -> None:
    """Regenerate one part, retry another, start over and skip a task on the way."""
    exam = next(
        each for each in (await page.call("GET", f"{V2}/tasks/{job}"))["tasks"] if each["task_type"] == "class_exam"
    )
    events = (await page.watched(job))[-2][0]
    await page.call("POST", f"{KB}/jobs/{job}/regenerate", json={"taskIdentifier": exam["task_identifier"]})
    assert (await page.watched(job, events))[-1][1] == "end"
    events = (await page.watched(job))[-2][0]
    await page.act(job, "retry_task", tasks=(exam["id"],))
    assert (await page.watched(job, events))[-1][1] == "end"
    events = (await page.watched(job))[-2][0]
    await page.call("POST", f"{KB}/jobs/{job}/restart")
    await page.act(job, "pause_job")
    await page.act(job, "skip_task", tasks=(exam["task_identifier"],))
    await page.act(job, "skip_task", 409, tasks=("outline",))
    await page.call("POST", f"{KB}/jobs/{job}/resume")
    await page.watched(job, events)
    status = await page.status(job)
    assert (status["status"], status["skipped_tasks"], status["failed_tasks"]) == ("completed", 1, 0)
    assert "1 were skipped" in status["error_message"]
    told = await page.call("POST", f"{KB}/jobs/{job}/health")
    assert told["healthy"] is True


async def taken_away(page: Page, job: str) -> None:
    course = (await page.call("GET", f"/api/courses/{job}"))["course"]
    assert course["modules"]
    described = await page.call("GET", "/openapi.json")
    (parameter,) = [
        each
        for each in described["paths"]["/api/courses/{courseId}/export"]["get"]["parameters"]
        if each["name"] == "format"
    ]
    for name in parameter["schema"]["enum"]:
        assert len(await page.call("GET", f"/api/courses/{job}/export?format={name}")) > 0
    packed = await page.call("GET", f"/api/courses/{job}/export?format=site")
    assert "site/index.html" in zipfile.ZipFile(io.BytesIO(packed)).namelist()
    report = await page.call("POST", f"{V2}/export/{job}", json={"format": "json"})
    assert [each["action_type"] for each in report["userActions"]][:2] == ["pause_job", "resume_job"]
    table = await page.call("POST", f"{V2}/export/{job}", json={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    assert len(rows) == len(report["tasks"])
    assert (await page.call("POST", f"{V2}/export/{job}", json={"format": "pdf"})).startswith(b"%PDF-")
    assert str(job) in (await page.act(job, "export_report"))["message"]


async def other_jobs(page: Page, base: str) -> None:
    later = {"baseClassId": base, "scheduledFor": "2099-01-01T00:00:00Z", "jobType": "generate_outline"}
    job = (await page.call("POST", V2, 202, json=later))["jobId"]
    assert (await page.status(job))["status"] == "queued"
    await page.act(job, "cancel_job")
    assert (await page.status(job))["status"] == "cancelled"
    await page.call("POST", f"/api/course-generation/dismiss-job/{job}")
    assert job not in [each["id"] for each in (await page.call("GET", "/api/course-generation/active-jobs"))["jobs"]]
    await page.call("POST", f"{KB}/jobs/{job}/clear")
    await page.call("DELETE", f"{V2}/job/{job}")
    await page.call("GET", f"{V2}/job/{job}", 404)


async def mistakes(page: Page, base: str, job: str) -> None:
    """Every one is told in words, with what to do."""
    unknown = str(uuid4())
    for path in (
        f"{KB}/generation-status/{unknown}",
        f"{V2}/tasks/{unknown}",
        f"/api/courses/{unknown}",
        "/api/nothing",
    ):
        await page.call("GET", path, 404)
    await page.call("GET", f"{V2}/events/{unknown}", 404)
    wrong = await page.call("POST", V2, 422, json={"baseClassId": base, "lessonsPerWeek": "many"})
    assert [each["field"] for each in wrong["errors"]] == ["body.lessonsPerWeek"]
    await page.call("POST", V2, 422, content=b"{not json", headers={"Content-Type": "application/json"})
    await page.call("POST", V2, 404, json={"baseClassId": unknown})
    await page.call("POST", V2, 413, content=b" " * (300 << 10), headers={"Content-Type": "application/json"})
    await page.call("PUT", V2, 405)
    assert "taskIds" in (await page.act(job, "retry_task", 422))["hint"]
    await page.act(job, "retry_task", 422, tasks=("no-such-task",))
    await page.act(job, "explode", 422)
    await page.act(job, "cancel_job", 409)
    await page.call("POST", f"{KB}/upload", 422, data={"base_class_id": base})
    await page.call("POST", f"{KB}/url", 422, json={"url": "http://169.254.169.254/", "baseClassId": base})
    # Above what a teacher may ask for in a minute: the form is told when to try again.
    for _ in range(10):
        answer = await page.http.post(V2, json={"baseClassId": base, "scheduledFor": "2099-01-01T00:00:00Z"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "5 courses in a minute" in answer.json()["error"]


async def forgotten(page: Page, base: str, job: str) -> None:
    await page.call("DELETE", f"/api/courses/{job}")
    await page.call("GET", f"/api/courses/{job}", 404)
    await page.call("GET", f"{V2}/job/{job}", 404)
    await page.call("DELETE", f"{KB}/{base}")
    await page.call("GET", f"{KB}/documents?base_class_id={base}", 404)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("keeping-bees.md", "keeping-bees.md"),
        ("fahrräder-für-alle.md", "fahrrader-fur-alle.md"),
        ("自転車.md", "course.md"),
        ("自転車-site.zip", "site.zip"),
    ],
)
def test_a_course_in_any_language_is_a_file_with_a_name(name: str, plain: str) -> None:
    assert attachment(name) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
