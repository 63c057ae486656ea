"""OpenAI: Responses (in the foreground, streamed, in the background) and Batch."""

import difflib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import openai
from openai.types import Batch
from openai.types.chat import ChatCompletion
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFailedEvent,
    ResponseIncompleteEvent,
)
from pydantic import SecretStr

from coursewright.errors import (
    CallError,
    CoursewrightError,
    Overloaded,
    RateLimited,
    ReplyLost,
    RequestRefused,
    UnknownModel,
)
from coursewright.llm.headers import reported_limits
from coursewright.llm.model import Abilities, Finish, Reply, ReportedLimits, Request, Usage
from coursewright.llm.provider import BatchItem, BatchResult, BatchState
from coursewright.llm.providers import chat
from coursewright.llm.providers.models import openai_abilities
from coursewright.llm.providers.vendor_errors import error_body, mapped, status_error
from coursewright.llm.providers.wiring import (
    CONNECT_SECONDS,
    IDLE_SECONDS,
    STREAMED_FROM,
    Dropped,
    batch_results,
    deadline,
    drained,
    effort,
    fingerprint,
    refuse_page,
    told,
)

_VENDOR = "OpenAI"
_BATCH_PATH: Literal["/v1/chat/completions"] = "/v1/chat/completions"
_WORKING = ("validating", "in_progress", "finalizing", "cancelling")


class OpenAI:
    """OpenAI under one key. `storage`: whether the provider may keep replies, which background mode needs."""

    name = "openai"
    endpoint = "openai"

    def __init__(self, key: SecretStr, *, base_url: str = "https://api.openai.com/v1", storage: bool = False) -> None:
        self.fingerprint = fingerprint(key.get_secret_value())
        self._storage = storage
        self._dropped = Dropped()
        self._client = openai.AsyncOpenAI(
            api_key=key.get_secret_value(),
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS),
        )

    def abilities(self, model: str) -> Abilities:
        """See `models.py`; without storage there is no background mode."""
        known = openai_abilities(model)
        return replace(known, background=known.background and self._storage)

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        """Ask and wait."""
        send = self._stream if request.max_output_tokens >= STREAMED_FROM else self._post
        patient = openai.Timeout(timeout, connect=CONNECT_SECONDS)  # a model that reasons is silent meanwhile
        parameters = {**_parameters(request, call_id), "timeout": patient}
        async with deadline(timeout, _VENDOR):
            return await self._dropped.without(request.model_name, parameters, send)

    async def _post(self, parameters: dict[str, Any]) -> Reply:
        with mapped(openai, _VENDOR):
            raw = await self._client.responses.with_raw_response.create(**parameters, store=self._storage, stream=False)
            refuse_page(raw.headers, _VENDOR)
            return _reply(raw.parse(), reported_limits(dict(raw.headers)))

    async def _stream(self, parameters: dict[str, Any]) -> Reply:
        with mapped(openai, _VENDOR):
            raw = await self._client.responses.with_raw_response.create(**parameters, store=self._storage, stream=True)
            refuse_page(raw.headers, _VENDOR)
            events = raw.parse()
            async for event in events:
                if isinstance(event, ResponseCompletedEvent | ResponseIncompleteEvent | ResponseFailedEvent):
                    await drained(events)
                    return _reply(event.response, reported_limits(dict(raw.headers)))
        raise CallError(f"{_VENDOR} ended the stream without a reply.", billed=True)

    async def submit(self, request: Request, call_id: UUID) -> str:
        """Ask in the background."""

        async def post(parameters: dict[str, Any]) -> str:
            with mapped(openai, _VENDOR):
                return told(await self._client.responses.create(**parameters, store=True, background=True), "id")

        return await self._dropped.without(request.model_name, _parameters(request, call_id), post)

    async def fetch(self, provider_id: str) -> Reply | None:
        """Return a background reply when it is there."""
        with mapped(openai, _VENDOR, lost_when_missing=True):
            response = await self._client.responses.retrieve(provider_id)
            if response.status in ("failed", "cancelled"):  # asking for it again would bring nothing else
                error = _failed(response)
                raise error if isinstance(error, RequestRefused) else ReplyLost(error.detail)
            return None if response.status in ("queued", "in_progress") else _reply(response, None)

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Upload the calls and start the batch."""
        lines = [
            {
                "custom_id": str(item.call_id),
                "method": "POST",
                "url": _BATCH_PATH,
                "body": self._dropped.left(
                    item.request.model_name, chat.parameters(item.request, _for_chat(item.request.model_name))
                ),
            }
            for item in items
        ]
        file = io.BytesIO("\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode())
        with mapped(openai, _VENDOR, free=True):
            file_id = told(await self._client.files.create(file=("calls.jsonl", file), purpose="batch"), "id")
        with mapped(openai, _VENDOR):
            batch = await self._client.batches.create(
                input_file_id=file_id, endpoint=_BATCH_PATH, completion_window="24h"
            )
            return told(batch, "id")

    async def poll_batch(self, batch_id: str) -> BatchState:
        """Return how far a batch is."""
        with mapped(openai, _VENDOR, lost_when_missing=True):
            batch = await self._client.batches.retrieve(batch_id)
            return BatchState.WORKING if told(batch, "status") in _WORKING else BatchState.ENDED

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        """Return what the output and the error file hold."""
        results: list[BatchResult] = []
        with mapped(openai, _VENDOR, lost_when_missing=True):
            batch = await self._client.batches.retrieve(batch_id)
            if told(batch, "status") == "failed":
                results.append(BatchResult(None, _not_begun(batch)))
            for file_id in (batch.output_file_id, batch.error_file_id):
                if file_id:
                    content = await self._client.files.content(file_id)
                    results += batch_results(content.response.headers, content.text, _VENDOR, _outcome)
        return results

    async def cancel_batch(self, batch_id: str) -> None:
        """Ask to stop a batch."""
        with mapped(openai, _VENDOR, lost_when_missing=True):
            await self._client.batches.cancel(batch_id)

    async def probe(self, model: str) -> None:
        """Look for the model among those of the key."""
        with mapped(openai, _VENDOR):
            known = {each.id async for each in await self._client.models.list()}
        if model not in known:
            near = ", ".join(difflib.get_close_matches(model, sorted(known), n=3, cutoff=0.5))
            said = f"{_VENDOR} knows no model {model!r} for this key{f'; it knows {near}' if near else ''}."
            raise UnknownModel(said, hint="Choose another --model.")

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()


def _parameters(request: Request, call_id: UUID) -> dict[str, Any]:
    """Return the body of a request to /v1/responses. `metadata.call_id` finds an orphan in the vendor's logs."""
    abilities = openai_abilities(request.model_name)
    reasoning = request.reasoning_tokens if abilities.reasoning else None
    system = "\n\n".join(message.text for message in request.messages if message.role == "system")
    parameters: dict[str, Any] = {
        "model": request.model_name,
        "input": [{"role": m.role, "content": m.text} for m in request.messages if m.role != "system"],
        "max_output_tokens": request.max_output_tokens + (reasoning or 0),
        "metadata": {**request.metadata, "call_id": str(call_id)},
    }
    if system:
        parameters["instructions"] = system
    if request.schema is not None and abilities.json_schema != "none":
        parameters["text"] = {
            "format": {
                "type": "json_schema",
                "name": request.schema_name,
                "schema": dict(request.schema),
                "strict": abilities.json_schema == "strict",
            }
        }
    if request.temperature is not None and abilities.temperature:
        parameters["temperature"] = request.temperature
    if reasoning is not None:
        parameters["reasoning"] = {"effort": effort(reasoning)}
    if request.tier:
        parameters["service_tier"] = request.tier
    return parameters


def _reply(response: Response, limits: ReportedLimits | None) -> Reply:
    if response.status in ("failed", "cancelled"):
        raise _failed(response)
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    text = "".join(part.text for part in parts if part.type == "output_text")
    finish = Finish.STOP
    if any(part.type == "refusal" for part in parts):
        finish = Finish.REFUSAL
    elif response.incomplete_details is not None:
        filtered = response.incomplete_details.reason == "content_filter"
        finish = Finish.CONTENT_FILTER if filtered else Finish.LENGTH
    usage = response.usage
    return Reply(
        text=text,
        finish=finish,
        usage=Usage()
        if usage is None
        else Usage(
            input=usage.input_tokens,
            output=usage.output_tokens,
            cached=usage.input_tokens_details.cached_tokens if usage.input_tokens_details else 0,
            reasoning=usage.output_tokens_details.reasoning_tokens if usage.output_tokens_details else 0,
        ),
        model=str(response.model),
        provider_id=response.id,
        limits=limits,
        raw=response.model_dump(mode="json", warnings=False),
        tier=response.service_tier or "",
    )


def _failed(response: Response) -> CoursewrightError:
    code = response.error.code if response.error else response.status
    said = f"{_VENDOR}: {response.error.message if response.error else f'the reply was {response.status}'}"
    if code == "rate_limit_exceeded":
        return RateLimited(said)
    if code in ("server_error", "vector_store_timeout", "failed"):  # the last: it does not say why
        return Overloaded(said)
    return ReplyLost(said) if code == "cancelled" else RequestRefused(said)


def _for_chat(model: str) -> Abilities:
    return replace(openai_abilities(model), token_limit_name="max_completion_tokens")  # noqa: S106 - a parameter


def _outcome(line: dict[str, Any]) -> Reply | CoursewrightError:
    """Return what became of a call of a batch. The status alone tells a failure, which is not billed."""
    response: Any = line.get("response")
    error = line.get("error")
    status = 500 if error and not response else response["status_code"]  # 500: not carried out, such as too late
    if status >= 400:
        return status_error(_VENDOR, status, error_body((response or {}).get("body") or error), {}, False)
    return chat.read(ChatCompletion.construct(**response["body"]), _VENDOR)


def _not_begun(batch: Batch) -> CoursewrightError:
    """Return why a batch failed its validation; none of its calls was made."""
    said = next(iter((batch.errors and batch.errors.data) or ()), None)
    body = {"code": said.code, "message": said.message} if said else {"message": "the batch failed its validation"}
    return status_error(_VENDOR, 429 if body.get("code") == "token_limit_exceeded" else 400, body, {}, False)


__all__ = ["OpenAI"]
