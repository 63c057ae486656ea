"""The webhook of OpenAI over HTTP: its signature, and that it settles a call and wakes the task that waits for it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from coursewright.db.pool import Pool
from coursewright.llm import Accepted, Deferred, Message, Origin, Request
from tests.integration.api.conftest import OURS, Service, served
from tests.integration.llm.providers.vendor import Answer, Vendor, vendor

ROUTE = "/api/webhooks/openai"
SECRET, NEXT = ("whsec_" + base64.b64encode(text).decode() for text in (b"a" * 24, b"b" * 24))
COMPLETED = {"id": "evt_1", "type": "response.completed", "created_at": 1, "data": {"id": "resp_1"}}


def signed(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """Sign as Standard Webhooks describes it; written from there, not with the code under test."""
    moment = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, b"wh_1." + moment.encode() + b"." + body, hashlib.sha256).digest()
    return {
        "webhook-id": "wh_1",
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "content-type": "application/json",
    }


def response(status: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": "Honey", "annotations": []}]
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-5.4", "status": status,
        "output": [{"type": "message", "id": "m", "status": "completed", "role": "assistant", "content": content}],
        "usage": {
            "input_tokens": 20, "output_tokens": 9, "total_tokens": 29, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "incomplete_details": None, "error": None,
    }  # fmt: skip


@pytest.fixture
async def there() -> AsyncIterator[Vendor]:
    answers = {
        "POST /responses": [Answer(response("queued"))],
        "GET /responses/resp_1": [Answer(response("completed"))],
    }
    with vendor(answers) as serving:
        yield serving


@pytest.fixture
async def host(pool: Pool, database_url: str, there: Vendor) -> AsyncIterator[Service]:
    providers = {
        "openai_key": "sk-a-secret",
        "openai_base_url": there.url,
        "openai_webhook_secret": f"{NEXT}, {SECRET}",
        "storage": True,
    }
    async with served(pool, database_url, providers=providers, limits={"enabled": False}) as started:
        yield started
        await started.program.providers.aclose()


async def test_it_settles_the_call_once(host: Service, there: Vendor) -> None:
    program = host.program
    await program.ledger.allow_storage(OURS)
    origin = Origin(OURS, str(uuid4()), "lesson_section", job_id=uuid4(), seconds_left=2.0)
    request = Request("openai:gpt-5.4", (Message("user", "What do bees eat?"),), 100)
    with pytest.raises(Deferred, match="background"):
        await program.gateway.call(origin, request, lambda reply: Accepted(reply.text))
    body = json.dumps(COMPLETED).encode()
    for awaited in (True, False):
        answer = await host.anonymous.post(ROUTE, content=body, headers=signed(body))
        assert (answer.status_code, answer.json()) == (200, {"success": True, "awaited": awaited})
    found = await program.gateway.call(origin, request, lambda reply: Accepted(reply.text))
    assert found.value == "Honey"
    assert [key for key, _ in there.asked] == ["POST /responses", "GET /responses/resp_1"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"another body"),
        signed(json.dumps(COMPLETED).encode(), "whsec_" + base64.b64encode(b"c" * 24).decode()),
        signed(json.dumps(COMPLETED).encode(), at=1_700_000_000),
        signed(json.dumps(COMPLETED).encode()) | {"webhook-timestamp": "soon"},
    ],
    ids=["unsigned", "other body", "other secret", "old", "no time"],
)
async def test_only_openai_is_believed(host: Service, headers: dict[str, str]) -> None:
    answer = await host.anonymous.post(ROUTE, content=json.dumps(COMPLETED).encode(), headers=headers)
    assert answer.status_code == 401
    assert "OPENAI_WEBHOOK_SECRET" in answer.json()["hint"]


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"\xff", b'{"type": "eval.run.failed", "data": {"id": "x"}}'])
async def test_other_words_are_passed_over(host: Service, body: bytes) -> None:
    answer = await host.anonymous.post(ROUTE, content=body, headers=signed(body, NEXT))
    assert answer.status_code in (200, 401)  # what is no text cannot be verified
    assert answer.json().get("awaited") in (False, None)


async def test_without_a_secret_nobody_is(service: Service) -> None:
    body = json.dumps(COMPLETED).encode()
    answer = await service.anonymous.post(ROUTE, content=body, headers=signed(body))
    assert answer.status_code == 401
    assert "OPENAI_WEBHOOK_SECRET" in answer.json()["hint"]
