"""One structured question to a model: schema, parsing, judgement, and what the next turn says after a rejection."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from coursewright.errors import NoUsableReply
from coursewright.generation.authors.llm.prompts import render
from coursewright.generation.authors.llm.sources import tokens
from coursewright.generation.authors.llm.wire import Wire
from coursewright.llm.gateway import Gateway
from coursewright.llm.model import Abilities, Accepted, Finish, Message, Origin, Rejected, Reply, Request, Verdict

W = TypeVar("W", bound=Wire)
T = TypeVar("T")

_MOST_PROBLEMS = 12  # a longer list would cost more than it helps
_REPAIR = 1_000  # tokens that say what is wrong
_FENCE = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")


@dataclass(frozen=True, slots=True)
class Unusable:
    """What a model must mend."""

    problems: tuple[str, ...]


# Turns an answer into a part of the course, or says what is wrong with it. Pure.
Reader = Callable[[W], T | Unusable]


@dataclass(frozen=True, slots=True)
class Asking:
    """How the calls of one task are made. `task` names it to the provider."""

    gateway: Gateway
    origin: Origin
    model: str
    abilities: Abilities
    task: str = ""
    fallbacks: tuple[str, ...] = ()
    reasoning_tokens: int | None = None
    seed: int | None = None

    def output(self, usual: int) -> int:
        """Return how many tokens an answer may have: at most a quarter of the window, so that a repair fits too."""
        return min(usual, self.abilities.largest_output, self.abilities.context_window // 4)

    def room(self, output: int, wire: type[Wire], *prompts: str) -> int:
        """Return how many tokens of passages fit beside the prompts, an answer of `output` tokens and its repair."""
        window = self.abilities.context_window
        taken = sum(tokens(prompt) for prompt in (*prompts, *self._told(wire))) + 2 * self.output(output)
        repair = min(_REPAIR, window // 8)
        return max(window - taken - repair - (self.reasoning_tokens or 0), window // 8)

    def _told(self, wire: type[Wire]) -> tuple[str, ...]:
        """Return what a model without schemas of its own is told of the answer's."""
        if self.abilities.json_schema != "none":
            return ()
        schema = json.dumps(wire.model_json_schema(), ensure_ascii=False)
        return (f"\nAnswer with one JSON object of this schema:\n\n{schema}\n",)

    async def ask(
        self, name: str, shared: Sequence[str], prompt: str, wire: type[W], read: Reader[W, T], *, output: int
    ) -> T:
        """Ask for a `wire` and return what `read` makes of it.

        `shared`: system text first, then what the calls of one job have in common. `output`: tokens of a usual answer.
        Raises what the gateway raises.
        """
        schema = wire.model_json_schema()
        prompt += "".join(self._told(wire))
        most = self.output(output)
        needed = sum(map(tokens, (*shared, prompt))) + most
        if needed > self.abilities.context_window:
            why = f"the task takes {needed:,} tokens, the model's window has {self.abilities.context_window:,}"
            raise NoUsableReply(f"{self.model}: {why}.", reasons=(why,), hint="Choose a model with a larger window.")
        request = Request(
            model=self.model,
            messages=(
                Message("system", shared[0], shared=True),
                *(Message("user", text, shared=True) for text in shared[1:]),
                Message("user", prompt),
            ),
            max_output_tokens=most,
            schema=schema,
            schema_name=name,
            temperature=0.3 if self.abilities.temperature else None,
            seed=self.seed if self.abilities.seed else None,
            reasoning_tokens=self.reasoning_tokens if self.abilities.reasoning else None,
            metadata={"task": self.task, "part": name},
        )

        def judge(reply: Reply) -> Verdict[T]:
            return self._judge(request, reply, wire, read)

        origin = replace(self.origin, task_key=f"{self.origin.task_key}/{name}")
        answer = await self.gateway.call(origin, request, judge, fallbacks=self.fallbacks)
        return answer.value

    def _judge(self, request: Request, reply: Reply, wire: type[W], read: Reader[W, T]) -> Verdict[T]:
        match reply.finish:
            case Finish.LENGTH:
                # A second cut comes from a larger budget than the first: what was written tells which.
                written = reply.usage.output - reply.usage.reasoning
                left = self.abilities.context_window - _size(request.messages)
                more = min(2 * max(request.max_output_tokens, written), self.abilities.largest_output, left)
                more = max(more, request.max_output_tokens)
                return Rejected("the answer was cut off", replace(request, max_output_tokens=more))
            case Finish.REFUSAL:
                return Rejected("the model refused")
            case Finish.CONTENT_FILTER:
                return Rejected("the provider's filter held the answer back")
        try:
            read_as = read(wire.model_validate(_object(reply.text)))
        except ValidationError as error:
            read_as = Unusable(tuple(_where(each) for each in error.errors()[:_MOST_PROBLEMS]))
        except ValueError as error:
            read_as = Unusable((f"It is no JSON object: {error}",))
        if not isinstance(read_as, Unusable):
            return Accepted(read_as)
        shown = read_as.problems[:_MOST_PROBLEMS]
        repair = Message("user", render("repair", problems=shown))
        messages = (*request.messages, Message("assistant", reply.text or "{}"), repair)
        if _size(messages) + request.max_output_tokens > self.abilities.context_window:
            # No room to show what is to be mended; what was wrong with it can still be said.
            last = request.messages[-1]
            messages = (*request.messages[:-1], Message("user", f"{last.text}\n{repair.text}"))
        if _size(messages) + request.max_output_tokens > self.abilities.context_window:
            messages = request.messages
        return Rejected("; ".join(shown), replace(request, messages=messages))


def _size(messages: Sequence[Message]) -> int:
    return sum(tokens(message.text) for message in messages)


def _object(text: str) -> Any:
    """Return the JSON object of an answer, fences and words around it left out."""
    text = _FENCE.sub("", text)
    start = text.find("{")
    if start < 0:
        raise ValueError("there is no { in it")
    value, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
    return value


def _where(error: Any) -> str:
    return f"{'.'.join(str(part) for part in error['loc']) or 'answer'}: {error['msg']}"


__all__ = ["Asking", "Reader", "Unusable"]
