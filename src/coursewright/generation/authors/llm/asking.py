"""One structured question to a model: schema, parsing, judgement, and what the next turn says after a rejection."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from coursewright.generation.authors.llm.prompts import render
from coursewright.generation.authors.llm.sources import tokens
from coursewright.generation.authors.llm.wire import Wire
from coursewright.llm.gateway import Gateway
from coursewright.llm.model import Abilities, Accepted, Finish, Message, Origin, Rejected, Reply, Request, Verdict

W = TypeVar("W", bound=Wire)
T = TypeVar("T")

_MOST_PROBLEMS = 12  # a longer list would cost more than it helps
_FENCE = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")


@dataclass(frozen=True, slots=True)
class Unusable:
    """What a model must mend."""

    problems: tuple[str, ...]


# Turns an answer into a part of the course, or says what is wrong with it. Pure.
Reader = Callable[[W], T | Unusable]


@dataclass(frozen=True, slots=True)
class Asking:
    """How the calls of one task are made."""

    gateway: Gateway
    origin: Origin
    model: str
    abilities: Abilities
    fallbacks: tuple[str, ...] = ()
    reasoning_tokens: int | None = None
    seed: int | None = None

    def room(self, output: int, *prompts: str) -> int:
        """Return how many tokens of passages fit beside the prompts and an answer of `output` tokens."""
        taken = sum(tokens(prompt) for prompt in prompts) + output + (self.reasoning_tokens or 0) + 256
        return max(512, self.abilities.context_window - taken)

    async def ask(
        self, name: str, shared: Sequence[str], prompt: str, wire: type[W], read: Reader[W, T], *, output: int
    ) -> T:
        """Ask for a `wire` and return what `read` makes of it.

        `shared`: system text first, then what the calls of one job have in common. `output`: tokens of a usual answer.
        Raises what the gateway raises.
        """
        schema = wire.model_json_schema()
        if self.abilities.json_schema == "none":
            prompt += f"\nAnswer with one JSON object of this schema:\n\n{json.dumps(schema, ensure_ascii=False)}\n"
        request = Request(
            model=self.model,
            messages=(
                Message("system", shared[0], shared=True),
                *(Message("user", text, shared=True) for text in shared[1:]),
                Message("user", prompt),
            ),
            max_output_tokens=min(output, self.abilities.largest_output),
            schema=schema,
            schema_name=name,
            temperature=0.3 if self.abilities.temperature else None,
            seed=self.seed if self.abilities.seed else None,
            reasoning_tokens=self.reasoning_tokens if self.abilities.reasoning else None,
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
                more = min(2 * max(request.max_output_tokens, written), self.abilities.largest_output)
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
        repair = render("repair", problems=shown)
        messages = (*request.messages, Message("assistant", reply.text or "{}"), Message("user", repair))
        return Rejected("; ".join(shown), replace(request, messages=messages))


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
