"""What OpenAI's endpoints look like on the wire, for the simulator: bodies that come in, bodies that go out."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Used:
    """Tokens that are billed; `cached` is a part of `input`."""

    input: int
    output: int
    cached: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


def said(body: Mapping[str, Any]) -> list[str]:
    """Return what a request says, in order, whichever endpoint it is for: the same prompt is the same list."""
    messages = body.get("messages") or body.get("input") or ()
    if isinstance(messages, str):
        return [messages]
    return [*filter(None, [body.get("instructions")]), *(str(each["content"]) for each in messages)]


def fingerprint(texts: Iterable[str]) -> str:
    """Return what stands for a prompt in the simulator's log."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def is_repair(body: Mapping[str, Any]) -> bool:
    """Tell whether an answer was given and sent back before."""
    messages = body.get("messages") or body.get("input") or ()
    return any(each["role"] == "assistant" for each in messages if isinstance(each, dict))


def wanted_schema(body: Mapping[str, Any]) -> str:
    """Return the name of the schema that the answer must fit, or nothing."""
    chat, responses = body.get("response_format"), body.get("text", {}).get("format")
    return str(chat["json_schema"]["name"] if chat else responses["name"] if responses else "")


def most_output(body: Mapping[str, Any]) -> int:
    """Return how many tokens the answer may have."""
    names = ("max_completion_tokens", "max_tokens", "max_output_tokens")
    return next((int(body[name]) for name in names if body.get(name)), 1000)


def completion(number: int, body: Mapping[str, Any], text: str, used: Used) -> dict[str, Any]:
    """Return a chat completion."""
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model", ""),
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": used.input,
            "completion_tokens": used.output,
            "total_tokens": used.total,
            "prompt_tokens_details": {"cached_tokens": used.cached},
        },
    }


def response(number: int, body: Mapping[str, Any], text: str, used: Used) -> dict[str, Any]:
    """Return a response of the Responses API."""
    content = {"type": "output_text", "text": text, "annotations": []}
    return {
        "id": f"resp_{number}",
        "object": "response",
        "status": "completed",
        "model": body.get("model", ""),
        "output": [
            {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed", "content": [content]}
        ],
        "usage": {
            "input_tokens": used.input,
            "output_tokens": used.output,
            "total_tokens": used.total,
            "input_tokens_details": {"cached_tokens": used.cached},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def stream(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as the events of a stream."""
    if answer["object"] == "response":
        event = {"type": "response.completed", "sequence_number": 0, "response": answer}
        return f"event: response.completed\ndata: {json.dumps(event)}\n\n".encode()
    choice = answer["choices"][0]
    common = {name: answer[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    text = {"index": 0, "delta": {"content": choice["message"]["content"]}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    pieces = [common | {"choices": [each]} for each in (text, ended)]
    pieces.append(common | {"choices": [], "usage": answer["usage"]})
    events = [json.dumps(piece) for piece in pieces] + ["[DONE]"]
    return "".join(f"data: {event}\n\n" for event in events).encode()


def uploaded_lines(multipart: bytes) -> list[dict[str, Any]]:
    """Return the JSON lines of a file that was uploaded in a form."""
    found = (line for line in multipart.splitlines() if line.startswith(b"{"))
    return [json.loads(line) for line in found]


def batch_line(custom_id: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return one line of a batch's output file."""
    return {"custom_id": custom_id, "response": {"status_code": 200, "body": answer}, "error": None}


def json_lines(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a file."""
    return "\n".join(json.dumps(row) for row in rows)
