"""One structured question to a model: schema, parsing, judgement, and what the next turn says after a rejection."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import ValidationError

from coursewright.errors import NoUsableReply
from coursewright.generation.authors.llm.prompts import render
from coursewright.generation.authors.llm.wire import Wire
from coursewright.llm.gateway import Gateway
from coursewright.llm.model import Abilities, Accepted, Finish, Message, Origin, Rejected, Reply, Request, Verdict
from coursewright.llm.tokens import at_most_tokens

W = TypeVar("W", bound=Wire)
T = TypeVar("T")

_MOST_PROBLEMS = 12  # a longer list would cost more than it helps
_REPAIR = 1_000  # tokens that say what is wrong
_REASONING = 2_000  # tokens, beside those that the limit of an answer leaves over as a rule
_WORTH = 1.25  # times the old limit: a new one below it would be cut, too
_TOKENS_A_WORD = 3  # of JSON, in languages that need many
_FENCE = re.compile(r"^\s*```(?:json)?\s*|\s*```\s*$")


@dataclass(frozen=True, slots=True)
class Unusable:
    """What a model must mend."""

    problems: tuple[str, ...]


_REFUSED = {
    Finish.REFUSAL: "the model refused",
    Finish.CONTENT_FILTER: "the provider's filter held the answer back",
}

# Turns an answer into a part of the course, or says what is wrong with it. Pure.
Reader = Callable[[W], T | Unusable]


@dataclass(frozen=True, slots=True)
class Asking:
    """How the calls of one task are made. `task` names it to the provider.

    `abilities` are those that `model` and all `fallbacks` have: what is asked must fit whichever of them answers.
    `reasoning_tokens` None: each reasons as its provider lets it, and a model that does gets room for it.
    """

    gateway: Gateway
    origin: Origin
    model: str
    abilities: Abilities
    task: str = ""
    fallbacks: tuple[str, ...] = ()
    reasoning_tokens: int | None = None
    seed: int | None = None

    @property
    def reasoning(self) -> int:
        """Return how many tokens an answer may have beside those that are seen of it."""
        return reasoning_room(self.abilities, self.reasoning_tokens)

    def output(self, usual: int) -> int:
        """Return how many tokens an answer may have: at most a quarter of the window, so that a repair fits too."""
        return min(usual, self.abilities.largest_output - self.reasoning, self.abilities.context_window // 4)

    def room(self, output: int, wire: type[Wire], *prompts: str) -> int:
        """Return how many tokens of passages fit beside the prompts, an answer of `output` tokens and its repair."""
        window = self.abilities.context_window
        taken = sum(at_most_tokens(prompt) for prompt in (*prompts, *self._told(wire))) + 2 * self.output(output)
        repair = min(_REPAIR, window // 8)
        return max(window - taken - repair - self.reasoning, window // 8)

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
        needed = sum(map(at_most_tokens, (*shared, prompt))) + most + self.reasoning
        if needed > self.abilities.context_window:
            why = f"the task takes {needed:,} tokens, the smallest window has {self.abilities.context_window:,}"
            models = " and ".join((self.model, *self.fallbacks))
            raise NoUsableReply(f"{models}: {why}.", reasons=(why,), hint="Choose a model with a larger window.")
        on_top = self.abilities.reasoning and self.reasoning_tokens is not None  # else it shares the answer's limit
        request = Request(
            model=self.model,
            messages=(
                Message("system", shared[0], shared=True),
                *(Message("user", text, shared=True) for text in shared[1:]),
                Message("user", prompt),
            ),
            max_output_tokens=most if on_top else most + self.reasoning,
            schema=schema,
            schema_name=name,
            temperature=0.3 if self.abilities.temperature else None,
            seed=self.seed if self.abilities.seed else None,
            reasoning_tokens=self.reasoning if on_top else None,
            metadata={"task": self.task, "part": name},
        )

        def judge(reply: Reply) -> Verdict[T]:
            nonlocal request
            verdict = self._judge(request, reply, wire, read)
            if isinstance(verdict, Rejected) and reply.finish in _REFUSED:
                request = verdict.again or request  # what is mended later was asked like this
            return verdict

        origin = replace(self.origin, task_key=f"{self.origin.task_key}/{name}")
        answer = await self.gateway.call(origin, request, judge, fallbacks=self.fallbacks)
        return answer.value

    def _judge(self, request: Request, reply: Reply, wire: type[W], read: Reader[W, T]) -> Verdict[T]:
        match reply.finish:
            case Finish.LENGTH:
                return Rejected("the answer was cut off", self._after_cut(request, reply))
            case Finish.REFUSAL | Finish.CONTENT_FILTER:
                again = self._after_refusal(request)
                return Rejected(_REFUSED[reply.finish], again, last=again == request)
        try:
            read_as = read(wire.model_validate(_object(reply.text)))
        except ValidationError as error:
            read_as = Unusable(tuple(_where(each) for each in error.errors()[:_MOST_PROBLEMS]))
        except ValueError as error:
            read_as = Unusable((f"It is no JSON object: {error}",))
        if not isinstance(read_as, Unusable):
            return Accepted(read_as)
        shown = read_as.problems[:_MOST_PROBLEMS]
        return Rejected("; ".join(shown), self._repaired(request, reply, render("repair", problems=shown)))

    def _repaired(self, request: Request, reply: Reply, repair: str) -> Request:
        """Return what asks for the answer again, mended."""
        *before, last = request.messages
        showing = (*request.messages, Message("assistant", reply.text or "{}"), Message("user", repair))
        # Where there is no room to show what is to be mended, what was wrong with it can still be said.
        saying = (*before, Message("user", f"{last.text}\n{repair}"))
        for messages in (showing, saying):
            if _size(messages) + _limit(request) <= self.abilities.context_window:
                return self._limited(request, messages, max(_limit(request), int(_WORTH * reply.usage.output)))
        return request

    def _after_cut(self, request: Request, reply: Reply) -> Request:
        """Return what asks again with a larger limit; where it cannot grow by much, what asks for a shorter answer.

        A second cut comes from a larger limit than the first: what was written tells which.
        """
        had = max(_limit(request), reply.usage.output)
        larger = self._limited(request, request.messages, 2 * had)
        if _limit(larger) >= _WORTH * had:
            return larger
        words = (_limit(larger) - self.reasoning) // _TOKENS_A_WORD
        shorter = (*request.messages, Message("user", render("shorter", words=words)))
        return self._limited(request, shorter, had)

    def _after_refusal(self, request: Request) -> Request:
        """Return what asks for whatever can be said; asked like this already, the same."""
        told = Message("user", render("declined"))
        if told in request.messages:
            return request
        return self._limited(request, (*request.messages, told), _limit(request))

    def _limited(self, request: Request, messages: tuple[Message, ...], limit: int) -> Request:
        """Return a request with these messages, and the limit as far as model and window allow."""
        limit = min(limit, self.abilities.largest_output, self.abilities.context_window - _size(messages))
        return replace(request, messages=messages, max_output_tokens=limit - (request.reasoning_tokens or 0))


def reasoning_room(abilities: Abilities, wanted: int | None) -> int:
    """Return how many tokens a model may reason before it answers; `wanted` None: as many as usual."""
    if not (abilities.reasons_unasked if wanted is None else abilities.reasoning):
        return 0
    wanted = _REASONING if wanted is None else wanted
    return min(wanted, abilities.largest_output // 2, abilities.context_window // 8)


def _limit(request: Request) -> int:
    """Return how many tokens a model may write, reasoning included."""
    return request.max_output_tokens + (request.reasoning_tokens or 0)


def _size(messages: Sequence[Message]) -> int:
    return sum(at_most_tokens(message.text) for message in messages)


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


__all__ = ["Asking", "Reader", "Unusable", "reasoning_room"]
