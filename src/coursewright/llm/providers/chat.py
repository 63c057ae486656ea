"""Chat Completions in OpenAI's shape: what is asked, and what came back."""

import re
from collections.abc import AsyncIterator
from typing import Any

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from coursewright.errors import CallError
from coursewright.llm.model import Abilities, Finish, Reply, ReportedLimits, Request, Usage
from coursewright.llm.providers.wiring import effort

_FINISHES = {"length": Finish.LENGTH, "content_filter": Finish.CONTENT_FILTER, "refusal": Finish.REFUSAL}
# Reasoning before an answer, by servers that do not part the two. Many templates write the opening tag themselves, so
# that only the closing one is the model's; an answer that begins as JSON or as a block of code is no such reasoning.
_REASONING = re.compile(r"\s*(?:<think>.*?(?:</think>|\Z)|(?![\s{\[`]).*?</think>)\s*", re.DOTALL)


def parameters(request: Request, abilities: Abilities) -> dict[str, Any]:
    """Return the body of a request; what the model does not take is left out."""
    reasoning = request.reasoning_tokens if abilities.reasoning else None
    body: dict[str, Any] = {
        "model": request.model_name,
        "messages": [{"role": message.role, "content": message.text} for message in request.messages],
        abilities.token_limit_name: request.max_output_tokens + (reasoning or 0),
    }
    if request.schema is not None and abilities.json_schema != "none":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {
                "name": request.schema_name,
                "schema": dict(request.schema),
                "strict": abilities.json_schema == "strict",
            },
        }
    if request.temperature is not None and abilities.temperature:
        body["temperature"] = request.temperature
    if request.seed is not None and abilities.seed:
        body["seed"] = request.seed
    if reasoning is not None:
        body["reasoning_effort"] = effort(reasoning)
    return body


def read(completion: ChatCompletion, vendor: str, limits: ReportedLimits | None = None) -> Reply:
    """Return the reply of a completion that came in one piece."""
    if not getattr(completion, "choices", None):  # the SDK checks nothing: it may be of any shape
        raise CallError(f"{vendor} sent no answer.", billed=True)
    choice = completion.choices[0]
    return Reply(
        text=_visible(choice.message.content or ""),
        finish=_FINISHES.get("refusal" if choice.message.refusal else choice.finish_reason, Finish.STOP),
        usage=_usage(completion.usage),
        model=completion.model,
        provider_id=completion.id or None,
        limits=limits,
        raw=completion.model_dump(mode="json", warnings=False),
    )


async def assemble(pieces: AsyncIterator[ChatCompletionChunk], vendor: str, limits: ReportedLimits | None) -> Reply:
    """Return the reply of a stream. Raises CallError when it ends in mid-reply."""
    text: list[str] = []
    refusal: list[str] = []
    finish: str | None = None
    usage: CompletionUsage | None = None
    reply_id = model = ""
    async for piece in pieces:
        reply_id, model, usage = piece.id or reply_id, piece.model or model, piece.usage or usage
        for choice in piece.choices[:1]:
            text.append(choice.delta.content or "")
            refusal.append(choice.delta.refusal or "")
            finish = choice.finish_reason or finish
    if finish is None:
        raise CallError(f"{vendor} ended the stream in mid-reply.", billed=True)
    whole, refused = "".join(text), "".join(refusal)
    raw = {"id": reply_id, "model": model, "text": whole, "refusal": refused, "finish_reason": finish}
    ended = _FINISHES.get("refusal" if refused else finish, Finish.STOP)
    return Reply(_visible(whole), ended, _usage(usage), model, reply_id or None, limits, raw)


def _visible(content: str) -> str:
    found = _REASONING.match(content)
    return content[found.end() :] if found else content


def _usage(usage: CompletionUsage | None) -> Usage:
    if usage is None:
        return Usage()
    prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        input=usage.prompt_tokens,
        output=usage.completion_tokens,
        cached=(prompt.cached_tokens or 0) if prompt else 0,
        reasoning=(output.reasoning_tokens or 0) if output else 0,
    )


__all__ = ["assemble", "parameters", "read"]
