"""Every error has one status and is told as a problem, and a defect tells nothing of itself."""

import logging
from collections.abc import AsyncIterator, MutableMapping

import httpx2
import pytest
from fastapi import FastAPI, Request

import coursewright.errors
from coursewright.api.problems import STATUSES, install_problems
from coursewright.errors import CoursewrightError, LimitReached
from tests.integration.api.conftest import Service

CLASSES = {
    value
    for value in vars(coursewright.errors).values()
    if isinstance(value, type) and issubclass(value, CoursewrightError)
}


def test_the_table_names_every_error() -> None:
    assert set(STATUSES) == CLASSES


async def test_an_unknown_route_is_a_problem(service: Service) -> None:
    answer = await service.ours.http.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["success"] is False
    assert told["error"] == told["detail"] == "There is no such route."
    assert told["hint"] == "/docs shows them all."
    assert told["instance"] == answer.headers["x-request-id"]


async def test_the_address_itself_leads_to_the_documentation(service: Service) -> None:
    answer = await service.ours.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_a_wrong_method_is_a_problem(service: Service) -> None:
    answer = await service.ours.http.delete("/api/course-generation/v2")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


async def test_a_wrong_body_names_its_fields(service: Service) -> None:
    answer = await service.ours.http.post("/api/course-generation/v2", json={"baseClassId": "x", "priority": "high"})
    assert answer.status_code == 422
    assert {each["field"] for each in answer.json()["errors"]} == {"body.baseClassId", "body.priority"}


async def test_a_body_that_is_no_json_is_told_what_is_missing(service: Service) -> None:
    answer = await service.ours.http.post("/api/course-generation/v2", content="{}")
    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["hint"]


async def test_a_body_above_the_limit_is_refused(service: Service) -> None:
    body = '{"title": "' + "x" * (300 << 10) + '"}'
    answer = await service.ours.http.post(
        "/api/course-generation/v2", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


async def test_a_body_that_hides_its_size_is_cut_off(service: Service) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (10 << 10)

    answer = await service.ours.http.post(
        "/api/course-generation/v2", content=pieces(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


@pytest.fixture
def failing() -> FastAPI:
    app = FastAPI()
    install_problems(app)

    @app.get("/defect")
    async def defect() -> None:
        raise RuntimeError("the password is 12345")

    @app.post("/body")
    async def body(request: Request) -> None:
        await request.body()

    @app.get("/limit")
    async def limit() -> None:
        raise LimitReached("Enough.", retry_after=12.2)

    return app


async def test_a_defect_tells_nothing_of_itself(failing: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    transport = httpx2.ASGITransport(failing, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        with caplog.at_level(logging.CRITICAL):
            answer = await http.get("/defect")
    assert answer.status_code == 500
    assert "12345" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json()["success"] is False


async def test_a_caller_that_hangs_up_is_no_defect(failing: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    sent: list[dict[str, object]] = []

    async def send(message: MutableMapping[str, object]) -> None:
        sent.append(dict(message))

    await failing(
        {"type": "http", "method": "POST", "path": "/body", "headers": [], "query_string": b""}, receive, send
    )
    assert sent[0]["status"] == 400
    assert caplog.text == ""


async def test_a_limit_says_when_to_come_back(failing: FastAPI) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(failing), base_url="http://localhost") as http:
        answer = await http.get("/limit")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "13"
