"""A provider without a network: it answers by rule, and has every bad day that a real one can have, on demand.

For tests and rehearsals. A rule sees the request and how often this provider was asked before, and returns what to say
or the error to raise. Time is whatever `sleep` makes of it; by default none passes.
"""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from uuid import UUID

from coursewright.errors import (
    CallTimedOut,
    ConnectionLost,
    CoursewrightError,
    KeyRefused,
    NeedsAction,
    Overloaded,
    PromptTooLong,
    QuotaExhausted,
    RateLimited,
    ReplyLost,
    UnknownModel,
)
from coursewright.llm.model import Abilities, Finish, Reply, ReportedLimits, Request, Usage
from coursewright.llm.provider import BatchItem, BatchResult, BatchState

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Say:
    """What to answer, after `seconds`. Without `usage`, four characters count as a token."""

    text: str
    finish: Finish = Finish.STOP
    seconds: float = 0.0
    usage: Usage | None = None
    limits: ReportedLimits | None = None
    model: str | None = None
    call_id: str | None = None


Outcome: TypeAlias = Say | CoursewrightError
Rule: TypeAlias = Callable[[Request, int], Outcome]

# Each makes a fresh outcome; the names are those of the field.
BAD_DAYS: Mapping[str, Callable[[], Outcome]] = {
    "429": lambda: RateLimited("Too many requests."),
    "429_retry_after": lambda: RateLimited("Too many requests.", retry_after=7.0),
    "500": lambda: Overloaded("HTTP 500."),
    "502": lambda: Overloaded("HTTP 502."),
    "503": lambda: Overloaded("HTTP 503."),
    "529": lambda: Overloaded("HTTP 529: overloaded."),
    "unreachable": lambda: ConnectionLost("No connection."),
    "reset_in_body": lambda: ConnectionLost("The connection was reset in mid-reply.", billed=True),
    "late": lambda: Say("Too late.", seconds=3600),
    "hang": lambda: Say("", seconds=NEVER),
    "idle_stream": lambda: CallTimedOut("The stream stood still."),
    "invalid_json": lambda: Say('{"title": "An unfinished'),
    "empty": lambda: Say(""),
    "refusal": lambda: Say("I cannot help with that.", Finish.REFUSAL),
    "content_filter": lambda: Say("", Finish.CONTENT_FILTER),
    "truncated": lambda: Say('{"title": "Cut', Finish.LENGTH),
    "prompt_too_long": lambda: PromptTooLong("The prompt has 9000 tokens, the window 8192."),
    "unknown_model": lambda: UnknownModel("There is no such model.", hint="Choose another one."),
    "revoked_key": lambda: KeyRefused("The key was revoked.", hint="Set another one."),
    "exhausted_quota": lambda: QuotaExhausted("The account has no credit.", hint="Add some."),
    "lost": lambda: ReplyLost("The reply is gone."),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of the provider's own log."""

    call_id: UUID
    request: Request
    mode: Literal["sync", "background", "batch"]


class Scripted:
    """See the module. `polls`: how often a background reply or a batch is asked for before it is there.

    `batch_fault`: `stuck` never ends; `expired` ends with the results of every second call only; `partial` ends with an
    error for every second call.
    """

    def __init__(
        self,
        rule: Rule,
        *,
        name: str = "scripted",
        abilities: Abilities | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        polls: int = 1,
        batch_fault: Literal["", "stuck", "expired", "partial"] = "",
        fingerprint: str = "no-key",
    ) -> None:
        self.name = self.endpoint = name
        self.fingerprint = fingerprint
        self.log: list[Asked] = []
        self.cancelled: list[str] = []
        self.polls = polls
        self.batch_fault = batch_fault
        self.rule = rule
        self._abilities = abilities or Abilities(
            json_schema="strict", background=True, batch=True, seed=True, context_window=200_000, largest_output=32_000
        )
        self._sleep = sleep
        self._ids = itertools.count(1)
        self._waiting: dict[str, int] = {}
        self._background: dict[str, Outcome] = {}
        self._batches: dict[str, list[tuple[UUID, Outcome]]] = {}

    def abilities(self, model: str) -> Abilities:
        """Return the same abilities for every model."""
        return self._abilities

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        """Answer by rule."""
        outcome = self._ask(request, call_id, "sync")
        seconds = outcome.seconds if isinstance(outcome, Say) else 0.0
        if self._sleep and seconds:
            await self._sleep(min(seconds, timeout))
        if seconds > timeout:
            raise CallTimedOut(f"No reply within {timeout:g} s.")
        return self._reply(outcome, request, f"reply-{next(self._ids)}")

    async def submit(self, request: Request, call_id: UUID) -> str:
        """Take a request; an outcome that is an error is met by `fetch`, but for those that refuse the request."""
        outcome = self._ask(request, call_id, "background")
        if isinstance(outcome, CoursewrightError) and not isinstance(outcome, ReplyLost):
            raise outcome
        provider_id = f"background-{next(self._ids)}"
        self._background[provider_id] = (
            replace(outcome, model=outcome.model or request.model_name, call_id=str(call_id))
            if isinstance(outcome, Say)
            else outcome
        )
        self._waiting[provider_id] = self.polls
        return provider_id

    async def fetch(self, provider_id: str) -> Reply | None:
        """Return the reply after `polls` calls."""
        if provider_id not in self._background:
            raise ReplyLost(f"There is no {provider_id}.")
        outcome = self._background[provider_id]
        if self._working(provider_id) or (isinstance(outcome, Say) and outcome.seconds == NEVER):
            return None
        return self._reply(outcome, None, provider_id)

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Take a batch."""
        batch_id = f"batch-{next(self._ids)}"
        self._batches[batch_id] = [(item.call_id, self._ask(item.request, item.call_id, "batch")) for item in items]
        self._waiting[batch_id] = self.polls
        return batch_id

    async def poll_batch(self, batch_id: str) -> BatchState:
        """Return `ended` after `polls` calls, or when it was cancelled."""
        if batch_id not in self._batches:
            raise ReplyLost(f"There is no {batch_id}.")
        if batch_id in self.cancelled:
            return BatchState.ENDED
        stuck = self.batch_fault == "stuck"
        return BatchState.WORKING if stuck or self._working(batch_id) else BatchState.ENDED

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        """Return the results that the fault leaves, the last one first."""
        results = []
        for place, (call_id, outcome) in enumerate(self._batches[batch_id]):
            if place % 2 and (self.batch_fault == "expired" or batch_id in self.cancelled):
                continue
            if place % 2 and self.batch_fault == "partial":
                outcome = Overloaded("HTTP 500 for this one.")
            if isinstance(outcome, Say):
                results.append(BatchResult(call_id, self._reply(outcome, None, f"{batch_id}/{place}")))
            else:
                results.append(BatchResult(call_id, outcome))
        return results[::-1]

    async def cancel_batch(self, batch_id: str) -> None:
        """Stop a batch."""
        self.cancelled.append(batch_id)

    async def probe(self, model: str) -> None:
        """Ask the rule; complain only of what concerns key, quota or model."""
        outcome = self.rule(Request(f"{self.name}:{model}", (), 1), len(self.log))
        if isinstance(outcome, NeedsAction):
            raise outcome

    async def aclose(self) -> None:
        """Do nothing."""

    def _ask(self, request: Request, call_id: UUID, mode: Literal["sync", "background", "batch"]) -> Outcome:
        self.log.append(Asked(call_id, request, mode))
        return self.rule(request, len(self.log) - 1)

    def _working(self, key: str) -> bool:
        self._waiting[key] -= 1
        return self._waiting[key] >= 0

    def _reply(self, outcome: Outcome, request: Request | None, provider_id: str) -> Reply:
        if isinstance(outcome, CoursewrightError):
            raise outcome
        characters = sum(len(message.text) for message in request.messages) if request else 0
        usage = outcome.usage or Usage(input=characters // 4 + 1, output=len(outcome.text) // 4 + 1)
        model = outcome.model or (request.model_name if request else "scripted")
        tier = request.tier if request else ""
        raw = {"text": outcome.text, "metadata": {"call_id": outcome.call_id}}
        return Reply(outcome.text, outcome.finish, usage, model, provider_id, outcome.limits, raw, tier)


__all__ = ["BAD_DAYS", "NEVER", "Asked", "Outcome", "Rule", "Say", "Scripted"]
