"""The edge function, run by a real Deno before the real service: a good request becomes a course, a bad one a 4xx."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.conftest import cloned
from tests.deploy.files import DEPLOY
from tests.deploy.service import BASE, CRON_SECRET, ENVIRONMENT, finished, token, upload
from tests.integration.api.server import serving

DENO = Path(sysconfig.get_path("scripts")) / "deno"
FUNCTION = DEPLOY / "supabase/functions/generate-course/index.ts"

pytestmark = [
    pytest.mark.xdist_group("edge function"),
    pytest.mark.skipif(not DENO.exists(), reason="there is no Deno for this machine (package deno)"),
]


def deno(*words: str, **variables: str) -> "subprocess.Popen[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp"), "NO_COLOR": "1"}
    return subprocess.Popen(
        [str(DENO), *words], env=environment | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


class Function:
    """The function's address, and the process that runs it."""

    def __init__(self, service: str, **variables: str) -> None:
        self.process = deno(
            "run",
            "--no-remote",
            "--no-prompt",
            "--allow-env=WORKER_URL,CRON_SECRET",
            "--allow-net=127.0.0.1",
            str(FUNCTION),
            DENO_SERVE_ADDRESS="tcp:127.0.0.1:0",
            **({"WORKER_URL": service} if service else {}),
            **variables,
        )
        assert self.process.stdout
        line = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", line)):
            line = self.process.stdout.readline()
            assert line, "Deno ended"
        self.address = found[0]

    def ask(self, body: Any = None, method: str = "POST", **headers: str) -> httpx2.Response:
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return httpx2.request(method, self.address, headers=headers, timeout=60, **content)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture(scope="module")
def service(
    database_server: str, template_database: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run the API alone, for all tests here: nothing is worked on unless somebody rings."""
    with (
        cloned(database_server, template_database, worker_id) as url,
        serving(url, tmp_path_factory.mktemp("service"), "--workers", "0", environment=ENVIRONMENT) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def function(service: str) -> Iterator[Function]:
    started = Function(service, CRON_SECRET=CRON_SECRET)
    yield started
    started.close()


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(**claims)}"}


def test_a_request_becomes_a_course_although_no_worker_runs(service: str, function: Function) -> None:
    upload(service)
    body = {"baseClassId": str(BASE), "title": "By the edge function", "generationMode": ""}
    answer = function.ask(body, **bearer(), **{"Idempotency-Key": "once"})
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["success"], told["status"]) == (True, "queued")
    assert answer.headers["location"].endswith(told["jobId"])
    assert answer.headers["access-control-allow-origin"] == "*"
    again = function.ask(body, **bearer(), **{"Idempotency-Key": "once"})
    assert again.json()["jobId"] == told["jobId"]
    job = finished(service, told["jobId"])
    assert (job["status"], job["job_data"]["title"]) == ("completed", "By the edge function")


@pytest.mark.parametrize(
    "body, status, field",
    [
        (b"{", 400, None),
        (b"[]", 422, None),
        (b"null", 422, None),
        (b"", 400, None),
        ({}, 422, "body.baseClassId"),
        ({"baseClassId": "bees"}, 422, "body.baseClassId"),
        ({"baseClassId": 7}, 422, "body.baseClassId"),
        ({"baseClassId": str(BASE), "title": ["Bees"]}, 422, "body.title"),
        ({"baseClassId": str(BASE), "title": "B" * 501}, 422, "body.title"),
        ({"baseClassId": str(BASE), "generationMode": "anything"}, 422, "body.generationMode"),
        ({"baseClassId": str(BASE), "lessonsPerWeek": "many"}, 422, "body.lessonsPerWeek"),  # the service's own check
        ({"baseClassId": str(UUID(int=7))}, 404, None),  # there is no such knowledge base
        (b'{"title": "' + b"x" * (256 << 10) + b'"}', 413, None),
    ],
)
def test_what_cannot_be_asked_is_a_problem(function: Function, body: Any, status: int, field: str | None) -> None:
    answer = function.ask(body, **bearer())
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["success"] is False
    assert problem["error"] == problem["detail"] != ""
    if field:
        assert [each["field"] for each in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 401),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, 401),
        ({"Authorization": "Bearer x.y.z"}, 401),
        (bearer(exp=1), 401),
        (bearer(aud="somebody"), 401),
        (bearer(app_metadata={}), 403),
    ],
)
def test_who_may_not_ask_is_told_so(function: Function, headers: dict[str, str], status: int) -> None:
    answer = function.ask({"baseClassId": str(BASE)}, **headers)
    assert (answer.status_code, answer.json()["success"]) == (status, False), answer.text


def test_a_page_may_call_it(function: Function) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Headers": "authorization, idempotency-key"}
    answer = function.ask(method="OPTIONS", **asked)
    assert answer.status_code == 204
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "apikey", "content-type", "x-client-info", "idempotency-key"} <= set(allowed)
    assert function.ask(method="GET").status_code == 405


@pytest.mark.parametrize("service, status", [("", 500), ("http://127.0.0.1:9", 503)])
def test_a_service_that_is_not_there_is_a_problem(service: str, status: int) -> None:
    function = Function(service)
    try:
        answer = function.ask({"baseClassId": str(BASE)}, **bearer())
        assert (answer.status_code, answer.json()["success"]) == (status, False)
        assert "127.0.0.1" not in answer.text
    finally:
        function.close()


@pytest.mark.parametrize("words", [["check", "--no-remote"], ["lint"], ["fmt", "--check", "--line-width=120"]])
def test_its_types_and_its_form_are_checked(words: list[str]) -> None:
    done = deno(*words, str(FUNCTION))
    told, _ = done.communicate(timeout=120)
    assert done.returncode == 0, told
