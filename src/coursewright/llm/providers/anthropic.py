"""Anthropic: Messages (streamed where long) and Message Batches."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import anthropic
from anthropic.types import Message
from pydantic import SecretStr

from coursewright.errors import CallError, CoursewrightError
from coursewright.llm.headers import reported_limits
from coursewright.llm.model import Abilities, Finish, Reply, ReportedLimits, Request, Usage
from coursewright.llm.provider import BatchItem, BatchResult, BatchState
from coursewright.llm.providers.models import anthropic_abilities, thinks_by_budget
from coursewright.llm.providers.vendor_errors import error_body, mapped, status_error
from coursewright.llm.providers.wiring import (
    CONNECT_SECONDS,
    IDLE_SECONDS,
    STREAMED_FROM,
    Dropped,
    batch_results,
    deadline,
    effort,
    fingerprint,
    refuse_page,
    told,
)

_VENDOR = "Anthropic"
_LEAST_THINKING = 1_024  # tokens; a smaller budget is refused
_MOST_BREAKPOINTS = 4  # of the prompt cache
_FINISHES = {
    "max_tokens": Finish.LENGTH, "model_context_window_exceeded": Finish.LENGTH, "refusal": Finish.REFUSAL,
}  # fmt: skip
_STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "permission_error": 403, "not_found_error": 404,
    "rate_limit_error": 429, "timeout_error": 504, "overloaded_error": 529, "billing_error": 402,
}  # fmt: skip


class Anthropic:
    """Anthropic under one key."""

    name = "anthropic"
    endpoint = "anthropic"

    def __init__(self, key: SecretStr, *, base_url: str = "https://api.anthropic.com") -> None:
        self.fingerprint = fingerprint(key.get_secret_value())
        self._dropped = Dropped()
        self._client = anthropic.AsyncAnthropic(
            api_key=key.get_secret_value(),
            base_url=base_url,
            max_retries=0,
            timeout=anthropic.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS),
        )

    def abilities(self, model: str) -> Abilities:
        """See `models.py`."""
        return anthropic_abilities(model)

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        """Ask and wait."""
        parameters = _parameters(request)
        stream = parameters["max_tokens"] >= STREAMED_FROM  # above some 21,000 the SDK refuses to do it otherwise

        async def post(kept: dict[str, Any]) -> Reply:
            with mapped(anthropic, _VENDOR):
                if stream:
                    async with self._client.messages.stream(**kept) as events:
                        refuse_page(events.response.headers, _VENDOR)
                        message = await events.get_final_message()
                        return _reply(message, reported_limits(dict(events.response.headers)))
                patient = anthropic.Timeout(timeout, connect=CONNECT_SECONDS)
                raw = await self._client.messages.with_raw_response.create(**kept, timeout=patient)
                refuse_page(raw.headers, _VENDOR)
                return _reply(await raw.parse(), reported_limits(dict(raw.headers)))

        async with deadline(timeout, _VENDOR):
            return await self._dropped.without(request.model_name, parameters, post)

    async def submit(self, request: Request, call_id: UUID) -> str:
        """Raise: Messages has no background mode."""
        raise CallError("Anthropic has no background mode.")

    async def fetch(self, provider_id: str) -> Reply | None:
        """Raise: Messages has no background mode."""
        raise CallError("Anthropic has no background mode.")

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Hand in a batch."""
        requests: Any = [
            {
                "custom_id": str(item.call_id),
                "params": self._dropped.left(item.request.model_name, _parameters(item.request)),
            }
            for item in items
        ]
        with mapped(anthropic, _VENDOR):
            batch = await self._client.messages.batches.create(requests=requests)
            return told(batch, "id")

    async def poll_batch(self, batch_id: str) -> BatchState:
        """Return how far a batch is."""
        with mapped(anthropic, _VENDOR, lost_when_missing=True):
            batch = await self._client.messages.batches.retrieve(batch_id)
            return BatchState.ENDED if told(batch, "processing_status") == "ended" else BatchState.WORKING

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        """Return the results, read line by line: the SDK's own reader ends at the first that is no JSON."""
        with mapped(anthropic, _VENDOR, lost_when_missing=True):
            raw = await self._client.messages.batches.with_raw_response.results(batch_id)
            return batch_results(raw.headers, await raw.text(), _VENDOR, _outcome)

    async def cancel_batch(self, batch_id: str) -> None:
        """Ask to stop a batch."""
        with mapped(anthropic, _VENDOR, lost_when_missing=True):
            await self._client.messages.batches.cancel(batch_id)

    async def probe(self, model: str) -> None:
        """Look the model up."""
        with mapped(anthropic, _VENDOR):
            await self._client.models.retrieve(model)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()


def _parameters(request: Request) -> dict[str, Any]:
    abilities = anthropic_abilities(request.model_name)
    thinking = request.reasoning_tokens if abilities.reasoning else None
    thinking = max(thinking, _LEAST_THINKING) if thinking else None
    left = _MOST_BREAKPOINTS

    def block(text: str, shared: bool) -> dict[str, Any]:
        nonlocal left
        content: dict[str, Any] = {"type": "text", "text": text}
        if shared and left:
            left -= 1
            content["cache_control"] = {"type": "ephemeral"}
        return content

    messages: list[dict[str, Any]] = []
    system = [block(message.text, message.shared) for message in request.messages if message.role == "system"]
    for message in request.messages:
        if message.role == "system":
            continue
        content = block(message.text, message.shared)
        if messages and messages[-1]["role"] == message.role:  # roles take turns
            messages[-1]["content"].append(content)
        else:
            messages.append({"role": message.role, "content": [content]})
    parameters: dict[str, Any] = {
        "model": request.model_name,
        "messages": messages,
        "max_tokens": request.max_output_tokens + (thinking or 0),
    }
    if system:
        parameters["system"] = system
    output: dict[str, Any] = {}
    if request.schema is not None and abilities.json_schema != "none":
        output["format"] = {"type": "json_schema", "schema": anthropic.transform_schema(dict(request.schema))}
    if thinking and thinks_by_budget(request.model_name):
        parameters["thinking"] = {"type": "enabled", "budget_tokens": thinking}
    elif thinking:
        parameters["thinking"] = {"type": "adaptive"}
        output["effort"] = effort(thinking)
    if output:
        parameters["output_config"] = output
    return parameters


def _reply(message: Message, limits: ReportedLimits | None) -> Reply:
    usage = message.usage
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    return Reply(
        text="".join(part.text for part in message.content if part.type == "text"),
        finish=_FINISHES.get(message.stop_reason or "", Finish.STOP),
        usage=Usage(
            input=usage.input_tokens + cached + written,  # Anthropic counts the three apart
            output=usage.output_tokens,
            cached=cached,
            cache_written=written,
            reasoning=(getattr(details, "thinking_tokens", None) or 0) if details else 0,
        ),
        model=str(message.model),
        provider_id=message.id,
        limits=limits,
        raw=message.model_dump(mode="json", warnings=False),
    )


def _outcome(line: dict[str, Any]) -> Reply | CoursewrightError:
    """Return what became of a call of a batch. Whatever did not succeed is not billed."""
    result = line["result"]
    match result["type"]:
        case "succeeded":
            return _reply(Message.construct(**result["message"]), None)
        case "errored":
            body = error_body(result.get("error"))
            return status_error(_VENDOR, _STATUS.get(str(body.get("type")), 500), body, {}, False)
        case "expired" | "canceled" as word:
            return CallError(f"{_VENDOR}: this call of the batch was not carried out ({word}).")
        case other:
            raise ValueError(other)


__all__ = ["Anthropic"]
