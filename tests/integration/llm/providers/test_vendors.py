"""What vendors do on bad days and in modes that no simulator speaks, each over a real socket."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from coursewright.errors import (
    CallError,
    CallTimedOut,
    ConfigurationError,
    ConnectionLost,
    CoursewrightError,
    KeyRefused,
    NeedsAction,
    NoCapacity,
    Overloaded,
    PromptTooLong,
    QuotaExhausted,
    RateLimited,
    ReplyLost,
    RequestRefused,
    UnknownModel,
)
from coursewright.generation.authors.llm.wire import WireLeaf
from coursewright.llm.model import Finish, Message, Reply, Request
from coursewright.llm.provider import BatchItem, BatchState, Provider
from coursewright.llm.providers.anthropic import Anthropic
from coursewright.llm.providers.compatible import Compatible
from coursewright.llm.providers.models import COMPATIBLE
from coursewright.llm.providers.openai import OpenAI
from tests.integration.llm.providers.vendor import Answer, Vendor, vendor

_KEY = SecretStr("sk-a-secret")
_PATHS = {"openai": "POST /responses", "compatible": "POST /chat/completions", "anthropic": "POST /v1/messages"}
_MODELS = {"openai": "openai:gpt-4.1", "compatible": "compatible:qwen3", "anthropic": "anthropic:claude-sonnet-5"}
_NAMES = tuple(_PATHS)


def _provider(name: str, url: str) -> Provider:
    match name:
        case "openai":
            return OpenAI(_KEY, base_url=url, storage=True)
        case "compatible":
            return Compatible(url, _KEY)
        case _:
            return Anthropic(_KEY, base_url=url)


def _request(name: str, **more: Any) -> Request:
    usual: dict[str, Any] = {"model": _MODELS[name], "messages": (Message("user", "Hello"),), "max_output_tokens": 100}
    return Request(**usual | more)


async def _send(name: str, url: str, **more: Any) -> Reply:
    provider = _provider(name, url)
    try:
        return await provider.send(_request(name, **more), uuid4(), 30)
    finally:
        await provider.aclose()


def _response(status: str = "completed", **more: Any) -> dict[str, Any]:
    """Return a response of OpenAI as its reference shows it."""
    content = [{"type": "output_text", "text": "Hi", "annotations": []}]
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-4.1-2025", "status": status,
        "output": [{"type": "message", "id": "m", "status": "completed", "role": "assistant", "content": content}],
        "usage": {
            "input_tokens": 20, "output_tokens": 9, "total_tokens": 29, "input_tokens_details": {"cached_tokens": 8},
            "output_tokens_details": {"reasoning_tokens": 5},
        },
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "incomplete_details": None, "error": None,
    } | more  # fmt: skip


def _streamed(*pieces: str) -> str:
    """Return a stream of a completion."""
    deltas: list[tuple[str | None, str | None]] = [*((piece, None) for piece in pieces), (None, "stop")]
    chunks = [
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "qwen3",
         "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": finish}]}
        for piece, finish in deltas
    ]  # fmt: skip
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _page(kind: str = "text/html; charset=utf-8") -> Answer:
    """Return what a proxy says to people."""
    return Answer("<!doctype html>\n<title>Sign in</title>\n", headers={"content-type": kind})


def _completion(finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "c1", "object": "chat.completion", "created": 1, "model": "qwen3",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": "Hi"} | message}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29},
    }  # fmt: skip


def _message(stop: str = "end_turn") -> dict[str, Any]:
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": stop,
        "stop_sequence": None, "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"},
                                           {"type": "text", "text": "Hi"}],
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 8, "cache_creation_input_tokens": 2,
                  "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 5}},
    }  # fmt: skip


_GOOD = {"openai": _response(), "compatible": _completion(), "anthropic": _message()}


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "Incorrect API key"}, KeyRefused),
        (403, {"message": "No access"}, KeyRefused),
        (404, {"message": "The model does not exist", "code": "model_not_found"}, UnknownModel),
        (429, {"message": "Slow down", "type": "rate_limit_error"}, RateLimited),
        (429, {"message": "You exceeded your quota", "code": "insufficient_quota"}, QuotaExhausted),
        (400, {"message": "Your credit balance is too low"}, QuotaExhausted),
        (400, {"message": "prompt is too long: 300000 tokens > 200000 maximum"}, PromptTooLong),
        (400, {"message": "Bad schema"}, RequestRefused),
        (500, {"message": "Oops"}, Overloaded),
        (502, {"message": "Bad gateway"}, Overloaded),
        (503, {"message": "Unavailable"}, Overloaded),
        (529, {"message": "Overloaded", "type": "overloaded_error"}, Overloaded),
        (408, {"message": "Timeout"}, CallTimedOut),
    ],
)
async def test_a_refusal_is_told_by_its_class(
    name: str, status: int, error: dict[str, Any], kind: type[CoursewrightError]
) -> None:
    headers = {"retry-after": "7", "x-ratelimit-limit-requests": "500"}
    with vendor({_PATHS[name]: [Answer({"type": "error", "error": error}, status, headers)]}) as there:
        with pytest.raises(kind) as raised:
            await _send(name, there.url)
        assert len(there.asked) == 1  # no adapter retries
    assert type(raised.value) is kind
    assert error["message"] in raised.value.detail
    assert _KEY.get_secret_value() not in raised.value.detail
    if isinstance(raised.value, RateLimited | Overloaded):
        assert raised.value.retry_after == 7
        assert raised.value.headers["x-ratelimit-limit-requests"] == "500"


@pytest.mark.parametrize("name", _NAMES)
async def test_what_may_have_been_billed_is_told_from_what_was_not(name: str) -> None:
    with vendor({_PATHS[name]: [Answer(_GOOD[name], cut=20)]}) as there, pytest.raises(ConnectionLost) as raised:
        await _send(name, there.url)
    assert raised.value.billed
    with pytest.raises(ConnectionLost) as raised:
        await _send(name, there.url)  # nobody listens there any more
    assert not raised.value.billed


@pytest.mark.parametrize("cut", [0, 20], ids=["hang", "idle in mid-reply"])
@pytest.mark.parametrize("output", [100, 9_000], ids=["in one piece", "streamed"])
@pytest.mark.parametrize("name", _NAMES)
async def test_silence_ends_with_the_deadline_and_may_have_been_billed(name: str, output: int, cut: int) -> None:
    with vendor({_PATHS[name]: [Answer(_GOOD[name], cut=cut, silent=True)]}) as there:
        provider = _provider(name, there.url)
        with pytest.raises(CallTimedOut) as raised:
            await provider.send(_request(name, max_output_tokens=output), uuid4(), 0.3)
        await provider.aclose()
    assert raised.value.billed


@pytest.mark.parametrize(
    ("name", "body", "finish"),
    [
        ("openai", _response(), Finish.STOP),
        ("openai", _response("incomplete", incomplete_details={"reason": "max_output_tokens"}), Finish.LENGTH),
        ("openai", _response("incomplete", incomplete_details={"reason": "content_filter"}), Finish.CONTENT_FILTER),
        ("compatible", _completion(), Finish.STOP),
        ("compatible", _completion("length"), Finish.LENGTH),
        ("compatible", _completion("content_filter"), Finish.CONTENT_FILTER),
        ("compatible", _completion(refusal="No."), Finish.REFUSAL),
        ("anthropic", _message(), Finish.STOP),
        ("anthropic", _message("max_tokens"), Finish.LENGTH),
        ("anthropic", _message("refusal"), Finish.REFUSAL),
    ],
)
async def test_how_a_reply_ended_and_what_it_took(name: str, body: dict[str, Any], finish: Finish) -> None:
    with vendor({_PATHS[name]: [Answer(body)]}) as there:
        reply = await _send(name, there.url)
    assert (reply.text, reply.finish) == ("Hi", finish)  # reasoning is no part of the text
    assert (reply.usage.input, reply.usage.output) == (20, 9)
    if name != "compatible":
        assert (reply.usage.cached, reply.usage.reasoning) == (8, 5)


@pytest.mark.parametrize("output", [100, 9_000], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", _NAMES)
async def test_a_page_for_people_is_no_reply_and_the_address_is_to_be_checked(name: str, output: int) -> None:
    with vendor({_PATHS[name]: [_page()]}) as state, pytest.raises(NeedsAction, match="no API of a model") as caught:
        await _send(name, state.url, max_output_tokens=output)
    assert "--base-url" in caught.value.hint


async def test_a_refusal_in_a_stream_is_no_empty_answer() -> None:
    body = _streamed("I cannot ", "do that.").replace('"content"', '"refusal"')
    with vendor({_PATHS["compatible"]: [Answer(body)]}) as there:
        reply = await _send("compatible", there.url, max_output_tokens=9_000)
    assert (reply.text, reply.finish) == ("", Finish.REFUSAL)
    assert reply.raw["refusal"] == "I cannot do that."


@pytest.mark.parametrize("body", [{}, [1, 2], {"choices": None}])
async def test_json_of_another_kind_is_no_answer(body: Any) -> None:
    with vendor({_PATHS["compatible"]: [Answer(body)]}) as state, pytest.raises(CallError, match="sent no answer"):
        await _send("compatible", state.url)


async def test_a_refused_parameter_is_left_out_once_and_for_all() -> None:
    refused = Answer({"error": {"message": "Unsupported parameter: 'temperature' is not supported."}}, 400)
    with vendor({_PATHS["openai"]: [refused, Answer(_response())]}) as there:
        provider = _provider("openai", there.url)
        for _ in range(2):
            await provider.send(_request("openai", temperature=0.5), uuid4(), 30)
        await provider.aclose()
    assert ["temperature" in body for _, body in there.asked] == [True, False, False]


async def test_a_parameter_of_another_name_is_sent_under_that_from_then_on() -> None:
    said = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    refused = Answer({"error": {"message": said, "param": "max_tokens", "code": "unsupported_parameter"}}, 400)
    with vendor({_PATHS["compatible"]: [refused, Answer(_completion())]}) as there:
        provider = _provider("compatible", there.url)
        for _ in range(2):
            await provider.send(_request("compatible"), uuid4(), 30)
        await provider.aclose()
    names = ("max_tokens", "max_completion_tokens")
    assert [[body.get(name) for name in names] for _, body in there.asked] == [[100, None], [None, 100], [None, 100]]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('<think>Blocks: {"blocks": []}?</think>\n\n{"blocks": [1]}', '{"blocks": [1]}'),
        ('\n<think>\n\n</think>\n\n{"a": 1}', '{"a": 1}'),
        ('The user wants {"a": 0}.\n</think>\n{"a": 1}', '{"a": 1}'),  # the template wrote the opening tag
        ('<think>It was cut off {"a"', ""),
        ('{"a": "between <think> and </think>"}', '{"a": "between <think> and </think>"}'),
        ('```json\n{"a": "</think>"}\n```', '```json\n{"a": "</think>"}\n```'),
    ],
)
@pytest.mark.parametrize("output", [100, 9_000], ids=["in one piece", "streamed"])
async def test_reasoning_before_an_answer_is_no_part_of_it(output: int, content: str, text: str) -> None:
    body = _completion(content=content) if output == 100 else _streamed(content[:5], content[5:])
    with vendor({_PATHS["compatible"]: [Answer(body)]}) as there:
        reply = await _send("compatible", there.url, max_output_tokens=output)
    assert reply.text == text
    assert json.dumps(content)[1:-1] in json.dumps(reply.raw)  # kept as it came


@pytest.mark.parametrize(
    ("name", "model", "abilities", "asked", "sent"),
    [
        ("compatible", "qwen3", {}, {"seed": 7}, {"seed": 7}),
        ("compatible", "qwen3", {}, {"reasoning_tokens": 4_000}, {"reasoning_effort": None, "max_tokens": 100}),
        (
            "compatible", "qwen3", {"reasoning": True}, {"reasoning_tokens": 4_000},
            {"reasoning_effort": "medium", "max_tokens": 4_100},
        ),
        ("compatible", "qwen3", {"reasoning": True}, {}, {"reasoning_effort": None, "max_tokens": 100}),
        (
            "compatible", "qwen3", {"json_schema": "loose"}, {"schema": {}},
            {"response_format": {
                "type": "json_schema", "json_schema": {"name": "reply", "schema": {}, "strict": False}}},
        ),
        ("compatible", "qwen3", {"json_schema": "none"}, {"schema": {}}, {"response_format": None}),
        (
            "openai", "gpt-5.4", {}, {"reasoning_tokens": 9_000, "temperature": 0.3},
            {"reasoning": {"effort": "high"}, "max_output_tokens": 9_100, "temperature": None},
        ),
        ("openai", "gpt-5.4", {}, {"reasoning_tokens": 0}, {"reasoning": {"effort": "low"}, "max_output_tokens": 100}),
        ("openai", "gpt-3.5-turbo", {}, {"schema": {}}, {"text": None}),
        (
            "anthropic", "claude-haiku-4-5", {}, {"reasoning_tokens": 4_000},
            {"thinking": {"type": "enabled", "budget_tokens": 4_000}, "max_tokens": 4_100},
        ),
        (
            "anthropic", "claude-haiku-4-5", {}, {"reasoning_tokens": 100},  # a smaller budget is refused
            {"thinking": {"type": "enabled", "budget_tokens": 1_024}, "max_tokens": 1_124},
        ),
        ("anthropic", "claude-sonnet-4-20250514", {}, {"schema": {}}, {"output_config": None}),
    ],
)  # fmt: skip
async def test_an_ability_is_used_on_the_wire(
    name: str, model: str, abilities: dict[str, Any], asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    with vendor({_PATHS[name]: [Answer(_GOOD[name])]}) as there:
        provider = _provider(name, there.url)
        if abilities:
            provider = Compatible(there.url, _KEY, abilities=replace(COMPATIBLE, **abilities))
        await provider.send(_request(name, model=f"{name}:{model}", **asked), uuid4(), 300)
        await provider.aclose()
    assert {each: there.asked[0][1].get(each) for each in sent} == sent
    assert there.patience == [300]  # a model that reasons is silent for long


async def test_the_cheaper_tier_is_asked_for_and_left_out_where_there_is_none() -> None:
    paths = {
        "POST /responses": [
            Answer(_response(service_tier="flex")),
            Answer({"error": {"message": "Resource Unavailable", "code": "resource_unavailable"}}, 429),
            Answer({"error": {"message": "Flex is not available for this model."}}, 400),
            Answer(_response(service_tier="default")),
        ]
    }
    with vendor(paths) as there:
        provider = _provider("openai", there.url)
        request = _request("openai", tier="flex")
        assert (await provider.send(request, uuid4(), 30)).tier == "flex"
        with pytest.raises(NoCapacity) as raised:
            await provider.send(request, uuid4(), 30)
        assert not raised.value.billed
        assert (await provider.send(request, uuid4(), 30)).tier == "default"
        await provider.aclose()
    assert [body.get("service_tier") for _, body in there.asked] == ["flex", "flex", "flex", None]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "Oops"}, ReplyLost),
        ({"code": "invalid_prompt", "message": "No"}, RequestRefused),
        (None, ReplyLost),
    ],
)
async def test_a_background_reply_that_failed_is_not_asked_for_for_ever(
    error: dict[str, str] | None, kind: type[CoursewrightError]
) -> None:
    with vendor({"GET /responses/resp_1": [Answer(_response("failed", error=error, output=[]))]}) as there:
        provider = _provider("openai", there.url)
        with pytest.raises(kind, match=error["message"] if error else "the reply was failed"):
            await provider.fetch("resp_1")
        await provider.aclose()


@pytest.mark.parametrize("name", _NAMES)
async def test_the_request_says_what_was_asked(name: str) -> None:
    messages = (Message("system", "Be kind.", shared=True), Message("user", "A", shared=True), Message("user", "B"))
    schema = WireLeaf.model_json_schema()
    with vendor({_PATHS[name]: [Answer(_GOOD[name])]}) as there:
        await _send(name, there.url, messages=messages, schema=schema, schema_name="reply", reasoning_tokens=4_000)
    body = there.asked[0][1]
    assert body["model"] == _MODELS[name].partition(":")[2]
    assert "title" in json.dumps(body)
    match name:
        case "openai":
            assert body["instructions"] == "Be kind."
            assert body["text"]["format"]["strict"] is True
            assert body["max_output_tokens"] == 100  # this model does not reason
            assert body["store"] is True  # the organisation allows it here
        case "compatible":
            assert [message["role"] for message in body["messages"]] == ["system", "user", "user"]
            assert body["response_format"]["json_schema"]["schema"] == schema
        case _:
            assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
            assert [message["role"] for message in body["messages"]] == ["user"]  # roles take turns
            assert body["thinking"] == {"type": "adaptive"}
            assert body["output_config"]["effort"] == "medium"
            assert body["max_tokens"] == 4_100


async def test_a_background_reply_is_fetched_when_it_is_there() -> None:
    working = Answer(_response("queued", output=[], usage=None))
    paths = {"POST /responses": [working], "GET /responses/resp_1": [working, Answer(_response())]}
    with vendor(paths) as there:
        provider = _provider("openai", there.url)
        call_id = uuid4()
        assert await provider.submit(_request("openai"), call_id) == "resp_1"
        assert await provider.fetch("resp_1") is None
        reply = await provider.fetch("resp_1")
        with pytest.raises(ReplyLost):
            await provider.fetch("resp_2")
        await provider.aclose()
    assert reply is not None
    assert reply.text == "Hi"
    assert there.asked[0][1]["background"] is True
    assert there.asked[0][1]["metadata"]["call_id"] == str(call_id)


def _batch(status: str, **more: Any) -> Answer:
    """Return a batch of OpenAI."""
    usual = {
        "id": "b1", "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h", "created_at": 1,
        "input_file_id": "in",
    }  # fmt: skip
    return Answer(usual | {"status": status} | more)


async def test_an_openai_batch_that_expires_brings_what_was_done_and_why_the_rest_was_not() -> None:
    ids = {word: uuid4() for word in ("good", "expired", "long", "revoked", "empty", "missing")}

    def line(word: str, status: int, body: Any) -> str:
        return json.dumps(
            {"custom_id": str(ids[word]), "response": {"status_code": status, "body": body}, "error": None}
        )

    expired = {"code": "batch_expired", "message": "This request could not be executed in time."}
    output = line("good", 200, _completion())
    unreadable = uuid4()
    errors = [
        "{",  # whose call it was nobody can tell
        json.dumps({"custom_id": str(unreadable), "response": {"status_code": "odd", "body": []}}),
        "",
        json.dumps({"custom_id": str(ids["expired"]), "response": None, "error": expired}),
        line("long", 400, {"error": {"code": "context_length_exceeded", "message": "Too long"}}),
        line("revoked", 401, {"error": {"message": "Incorrect API key"}}),
        line("empty", 429, {"error": {"code": "insufficient_quota", "message": "No credit"}}),
    ]
    working = ("validating", "in_progress", "finalizing", "cancelling")
    paths = {
        "POST /files": [Answer({"id": "in", "object": "file", "purpose": "batch"})],
        "POST /batches": [_batch("validating")],
        "GET /batches/b1": [*map(_batch, working), _batch("expired", output_file_id="out", error_file_id="err")],
        "GET /files/out/content": [Answer(output)],
        "GET /files/err/content": [Answer("\n".join(errors))],
    }
    request = _request("openai", model="openai:gpt-5.4", reasoning_tokens=4_000, schema={})
    with vendor(paths) as there:
        provider = _provider("openai", there.url)
        assert await provider.submit_batch([BatchItem(each, request) for each in ids.values()]) == "b1"
        for _ in working:
            assert await provider.poll_batch("b1") == BatchState.WORKING
        assert await provider.poll_batch("b1") == BatchState.ENDED
        results = {each.call_id: each.outcome for each in await provider.fetch_batch("b1")}
        await provider.aclose()
    uploaded = there.asked[0][1].decode()
    body = next(json.loads(each)["body"] for each in uploaded.splitlines() if each.startswith('{"custom_id"'))
    assert body["reasoning_effort"] == "medium"
    assert body["max_completion_tokens"] == 4_100
    assert body["response_format"]["json_schema"]["strict"] is True
    kinds = {word: type(results[call]) for word, call in ids.items() if call in results}
    assert kinds == {
        "good": Reply, "expired": Overloaded, "long": PromptTooLong, "revoked": KeyRefused, "empty": QuotaExhausted,
    }  # fmt: skip
    for lost in (unreadable, None):  # None: whatever has no line of its own
        outcome = results[lost]
        assert isinstance(outcome, CallError)
        assert outcome.billed


_SAID = "Bees\u2028eat \u0085honey"  # ends of lines to some, and allowed in JSON
_RESULTS: dict[str, list[tuple[dict[str, Any], type[CoursewrightError], bool]]] = {
    "openai": [
        ({"response": {"status_code": 500, "body": None}}, Overloaded, False),
        ({"response": {"status_code": 429, "body": {"error": "slow"}}}, RateLimited, False),
        ({"response": {"status_code": 429, "body": "slow"}}, RateLimited, False),
        ({"response": None, "error": "late"}, Overloaded, False),
        ({"response": None, "error": None}, CallError, True),
        ({"response": {"body": {}}}, CallError, True),
        ({"response": {"status_code": 200, "body": None}}, CallError, True),
        ({"response": {"status_code": 200, "body": {"choices": ["Hi"]}}}, CallError, True),
    ],
    "anthropic": [
        ({"result": {"type": "errored", "error": None}}, Overloaded, False),
        ({"result": {"type": "errored", "error": "Busy"}}, Overloaded, False),
        ({"result": {"type": "errored", "error": {"error": {"type": "rate_limit_error"}}}}, RateLimited, False),
        ({"result": {"type": "canceled"}}, CallError, False),
        ({"result": {"type": "odd"}}, CallError, True),
        ({"result": None}, CallError, True),
        ({"result": {"type": "succeeded", "message": {"content": []}}}, CallError, True),
    ],
}


def _ended(name: str, url: str, results: Answer) -> dict[str, list[Answer]]:
    """Return what a vendor answers of a batch that has ended."""
    if name == "openai":
        return {"GET /batches/b1": [_batch("completed", output_file_id="out")], "GET /files/out/content": [results]}
    there = "/v1/messages/batches/b1"
    batch = {"id": "b1", "processing_status": "ended", "results_url": f"{url}{there}/results"}
    return {f"GET {there}": [Answer(batch)], f"GET {there}/results": [results]}


@pytest.mark.parametrize("name", ["openai", "anthropic"])
async def test_results_of_a_batch_that_are_odd_take_nothing_from_the_others(name: str) -> None:
    good, odd = uuid4(), {uuid4(): each for each in _RESULTS[name]}
    answer: dict[str, dict[str, Any]] = {
        "openai": {"response": {"status_code": 200, "body": _completion(content=_SAID)}},
        "anthropic": {"result": {"type": "succeeded", "message": _message() | {
            "content": [{"type": "text", "text": _SAID}]}}},
    }  # fmt: skip
    lines = [
        *({"custom_id": str(call)} | line for call, (line, _, _) in odd.items()),
        {"custom_id": "odd"}, [], {"custom_id": str(good)} | answer[name],
    ]  # fmt: skip
    text = "{\n" + "\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    with vendor({}) as there:
        there.answers |= _ended(name, there.url, Answer(text, headers={"content-type": "application/octet-stream"}))
        provider = _provider(name, there.url)
        results = {each.call_id: each.outcome for each in await provider.fetch_batch("b1")}
        await provider.aclose()
    reply = results.pop(good)
    assert isinstance(reply, Reply)
    assert reply.text == _SAID
    told = {call: (type(error), isinstance(error, CallError) and error.billed) for call, error in results.items()}
    assert told == {None: (CallError, True)} | {call: (kind, billed) for call, (_, kind, billed) in odd.items()}


@pytest.mark.parametrize(
    "page", [_page(), _page("application/octet-stream"), Answer({"error": "upstream"}), Answer("")]
)
@pytest.mark.parametrize("name", ["openai", "anthropic"])
async def test_a_page_in_place_of_results_leaves_them_where_they_are(name: str, page: Answer) -> None:
    with vendor({}) as there:
        there.answers |= _ended(name, there.url, page)
        provider = _provider(name, there.url)
        if page.body:
            with pytest.raises((CallError, NeedsAction), match=r"no API of a model|something else than results"):
                await provider.fetch_batch("b1")
        else:  # a file without results
            assert await provider.fetch_batch("b1") == []
        await provider.aclose()


@pytest.mark.parametrize("page", [_page(), Answer({}), Answer("{", headers={"content-type": "application/json"})])
@pytest.mark.parametrize(
    ("name", "what", "path", "billed"),
    [
        ("openai", "submit_batch", "POST /files", False),
        ("openai", "submit_batch", "POST /batches", True),
        ("openai", "submit", "POST /responses", True),
        ("openai", "fetch", "GET /responses/b1", True),
        ("openai", "poll_batch", "GET /batches/b1", True),
        ("openai", "fetch_batch", "GET /batches/b1", True),
        ("anthropic", "submit_batch", "POST /v1/messages/batches", True),
        ("anthropic", "poll_batch", "GET /v1/messages/batches/b1", True),
        ("anthropic", "fetch_batch", "GET /v1/messages/batches/b1", True),
    ],
)
async def test_an_answer_of_no_known_shape_is_an_error_of_the_call(
    name: str, what: str, path: str, billed: bool, page: Answer
) -> None:
    item = BatchItem(uuid4(), _request(name))
    given: dict[str, tuple[Any, ...]] = {"submit_batch": ([item],), "submit": (item.request, item.call_id)}
    with vendor({"POST /files": [Answer({"id": "in"})], path: [page]}) as there:
        provider = _provider(name, there.url)
        with pytest.raises(CallError, match="cannot be read") as caught:
            await getattr(provider, what)(*given.get(what, ("b1",)))
        await provider.aclose()
    assert caught.value.billed == billed


@pytest.mark.parametrize(("path", "billed"), [("POST /files", False), ("POST /batches", True)])
async def test_a_batch_whose_calls_were_only_uploaded_is_not_billed(path: str, billed: bool) -> None:
    paths = {"POST /files": [Answer({"id": "in"})], path: [Answer({"id": "in"}, cut=3)]}
    with vendor(paths) as there:
        provider = _provider("openai", there.url)
        with pytest.raises(ConnectionLost) as caught:
            await provider.submit_batch([BatchItem(uuid4(), _request("openai"))])
        await provider.aclose()
    assert caught.value.billed == billed


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("token_limit_exceeded", RateLimited),
        ("billing_hard_limit_reached", QuotaExhausted),
        ("model_not_found", UnknownModel),
        ("invalid_request", RequestRefused),
        (None, RequestRefused),
    ],
)
async def test_an_openai_batch_that_fails_as_a_whole_says_why(code: str | None, kind: type[CoursewrightError]) -> None:
    errors = {"object": "list", "data": [{"code": code, "message": "No."}]} if code else None
    with vendor({"GET /batches/b1": [_batch("failed", errors=errors)]}) as there:
        provider = _provider("openai", there.url)
        assert await provider.poll_batch("b1") == BatchState.ENDED
        (result,) = await provider.fetch_batch("b1")
        await provider.aclose()
    assert result.call_id is None
    assert type(result.outcome) is kind


@pytest.mark.parametrize(
    ("name", "asked", "refused"),
    [
        ("openai", {"temperature": 0.5}, "Unsupported value: 'temperature' does not support 0.5."),
        ("anthropic", {"reasoning_tokens": 4_000}, "adaptive thinking is not supported on this model"),
    ],
)
async def test_a_batch_leaves_out_what_its_model_was_found_to_refuse(
    name: str, asked: dict[str, Any], refused: str
) -> None:
    paths = {
        _PATHS[name]: [Answer({"error": {"message": refused}}, 400), Answer(_GOOD[name])],
        "POST /files": [Answer({"id": "in", "object": "file", "purpose": "batch"})],
        "POST /batches": [_batch("validating")],
        "POST /v1/messages/batches": [Answer({"id": "b1"})],
    }
    with vendor(paths) as there:
        provider = _provider(name, there.url)
        await provider.send(_request(name, **asked), uuid4(), 30)
        await provider.submit_batch([BatchItem(uuid4(), _request(name, **asked))])
        await provider.aclose()
    bodies = [str(body) for _, body in there.asked[:3]]
    assert ["temperature" in body or "thinking" in body for body in bodies] == [True, False, False]


async def test_anthropic_batches_are_matched_by_their_ids() -> None:
    good, bad, gone, revoked = uuid4(), uuid4(), uuid4(), uuid4()

    def batch(there: Vendor, status: str) -> dict[str, Any]:
        return {
            "id": "b1", "type": "message_batch", "processing_status": status, "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-01-02T00:00:00Z", "results_url": f"{there.url}/v1/messages/batches/b1/results",
            "request_counts": {"processing": 0, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 1},
        }  # fmt: skip

    lines = [
        {"custom_id": str(bad), "result": {"type": "errored", "error": {"type": "error", "error": {
            "type": "overloaded_error", "message": "Busy"}}}},
        {"custom_id": str(gone), "result": {"type": "expired"}},
        {"custom_id": str(revoked), "result": {"type": "errored", "error": {"type": "error", "error": {
            "type": "authentication_error", "message": "Invalid key"}}}},
        {"custom_id": str(good), "result": {"type": "succeeded", "message": _message()}},
    ]  # fmt: skip
    with vendor({}) as there:
        there.answers |= {
            "POST /v1/messages/batches": [Answer(batch(there, "in_progress"))],
            "GET /v1/messages/batches/b1": [Answer(batch(there, "in_progress")), Answer(batch(there, "ended"))],
            "GET /v1/messages/batches/b1/results": [Answer("\n".join(json.dumps(line) for line in lines))],
        }
        provider = _provider("anthropic", there.url)
        assert await provider.submit_batch([BatchItem(one, _request("anthropic")) for one in (good, bad, gone)]) == "b1"
        assert await provider.poll_batch("b1") == BatchState.WORKING
        assert await provider.poll_batch("b1") == BatchState.ENDED
        results = {each.call_id: each.outcome for each in await provider.fetch_batch("b1")}
        await provider.aclose()
    assert set(results) == {good, bad, gone, revoked}
    assert isinstance(expired := results[gone], CallError)
    assert not expired.billed  # it was not carried out
    assert isinstance(results[good], Reply)
    assert isinstance(results[bad], Overloaded)
    assert isinstance(results[revoked], KeyRefused)


def test_an_endpoint_is_an_address() -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        Compatible("localhost:11434")
    assert Compatible("http://user:pw@127.0.0.1:1/v1").endpoint == "compatible@127.0.0.1:1"
