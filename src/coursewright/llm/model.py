"""The words of a call: what is asked, what comes back, what is thought of it. Frozen, and free of any vendor."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Literal, TypeAlias, TypeVar
from uuid import UUID

from coursewright.db.storable import NOT_STORABLE

Value = TypeVar("Value")
Value_co = TypeVar("Value_co", covariant=True)

_MOST_TOKENS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `shared`: other calls begin with the same messages up to here (the provider's prompt cache)."""

    role: Literal["system", "user", "assistant"]
    text: str
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model, in no vendor's words.

    `model` is `provider:model`. `max_output_tokens` counts the visible answer; `reasoning_tokens` come on top where the
    model reasons (None: the provider's default effort; 0: as little as it allows). `schema` is a JSON schema that the
    answer must fit. `metadata` goes to the provider (no personal data) and does not change what is asked, nor does
    `tier`: `flex` is slower, and cheaper where the provider has it.
    """

    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    schema: Mapping[str, Any] | None = None
    schema_name: str = "reply"
    temperature: float | None = None
    seed: int | None = None
    reasoning_tokens: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tier: Literal["", "flex"] = ""

    @property
    def provider(self) -> str:
        """Return the part of `model` before the first colon."""
        return self.model.partition(":")[0]

    @property
    def model_name(self) -> str:
        """Return the model's name at its provider."""
        return self.model.partition(":")[2]

    def canonical(self) -> dict[str, Any]:
        """Return everything that the answer depends on, as JSON values."""
        return {
            "model": self.model,
            "messages": [{"role": each.role, "text": each.text, "shared": each.shared} for each in self.messages],
            "max_output_tokens": self.max_output_tokens,
            "schema": self.schema,
            "schema_name": self.schema_name,
            "temperature": self.temperature,
            "seed": self.seed,
            "reasoning_tokens": self.reasoning_tokens,
        }


class Finish(StrEnum):
    """Why the model stopped. Only `stop` is a whole answer; `length` is a truncated one."""

    STOP = "stop"
    LENGTH = "length"
    REFUSAL = "refusal"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `input` counts all input, `cached` and `cache_written` are parts of it; `output` counts all
    output, `reasoning` is a part of it. What an endpoint counts wrongly (below nothing, beyond reason, no number) costs
    nothing or much, but its reply is kept and no budget grows by it.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0

    def __post_init__(self) -> None:
        """Bring the counts into the range of the ledger's columns."""
        for name in self.__slots__:
            told: object = getattr(self, name)
            count = told if isinstance(told, int) else 0
            object.__setattr__(self, name, min(max(0, count), _MOST_TOKENS))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a provider says of one of its limits: units a minute, units left, seconds until it is full again."""

    limit: float | None = None
    remaining: float | None = None
    resets_in: float | None = None


@dataclass(frozen=True, slots=True)
class ReportedLimits:
    """The limits that a response's headers tell of (see `headers.reported_limits`)."""

    requests: Bucket = Bucket()
    tokens: Bucket = Bucket()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `text` is the visible answer alone; reasoning text is left out. `raw` is the provider's JSON.

    `tier`: the provider's own word for how it was served; `flex` costs less.
    """

    text: str
    finish: Finish
    usage: Usage
    model: str
    provider_id: str | None = None
    limits: ReportedLimits | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    tier: str = ""

    def __post_init__(self) -> None:
        """Let the text be from the start as it is stored: a repair turn quotes it."""
        object.__setattr__(self, "text", NOT_STORABLE.sub("\ufffd", self.text))


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model can do at its provider, and how its limits count.

    `counts`: what the token limit charges for output when a call begins, the largest output allowed (`max_tokens`) or
    what is written (`actual`). `refund`: whether what was charged and not used is given back at the end.
    `signals_load_by_latency`: a self-hosted endpoint without limits of its own. `reasoning`: it can, when it is asked
    to; `reasons_unasked`: it does in any case.
    """

    json_schema: Literal["strict", "loose", "none"] = "none"
    background: bool = False
    batch: bool = False
    flex: bool = False
    prompt_cache: bool = False
    context_window: int = 8192
    largest_output: int = 4096
    token_limit_name: str = "max_tokens"  # noqa: S105 - a parameter
    temperature: bool = True
    seed: bool = False
    reasoning: bool = False
    reasons_unasked: bool = False
    counts: Literal["max_tokens", "actual"] = "actual"
    refund: bool = True
    signals_load_by_latency: bool = False


@dataclass(frozen=True, slots=True)
class Accepted(Generic[Value_co]):
    """The reply is usable, and this is what it says."""

    value: Value_co


@dataclass(frozen=True, slots=True)
class Rejected:
    """The reply is unusable. `again`: the request of the next turn (a repair, a larger budget); None: the same one.
    Of a reply that was cut off, an `again` that equals what was just asked says that nothing more can be done; `last`
    says so of any.
    """

    reason: str
    again: Request | None = None
    last: bool = False


Verdict: TypeAlias = Accepted[Value] | Rejected
# A pure function: the same reply gets the same verdict, today and when the step runs again after a crash.
Judge: TypeAlias = Callable[[Reply], Verdict[Value]]


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf a call is made, and for what.

    `task_key` is the hash of the task's pinned inputs; a task that makes several calls appends what tells them apart.
    `kind` (of task) is what lengths and latencies are learned by. `documents` are those that the prompt quotes: the
    replies are deleted with them. `seconds_left`: how long the host lets this attempt run, from `began` on (of
    `time.monotonic`; None: as long as it takes); `host_seconds`: how long it lets any attempt run at most. `within`:
    seconds from the job's first call on in which a batch has to be done (None: as configured).
    """

    organisation_id: UUID
    task_key: str
    kind: str
    generation: int = 0
    job_id: UUID | None = None
    knowledge_base_id: UUID | None = None
    documents: tuple[str, ...] = ()
    urgency: Literal["normal", "batch"] = "normal"
    seconds_left: float | None = None
    host_seconds: float | None = None
    within: float | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float | None:
        """Return the seconds that this host still has for the attempt; None: as many as it takes."""
        return None if self.seconds_left is None else self.seconds_left - (time.monotonic() - self.began)


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """An accepted reply, its value, the call it came from, and how many turns were rejected before it."""

    value: Value
    reply: Reply
    call_id: UUID
    rejected: tuple[str, ...] = ()


class Deferred(Exception):
    """Not now: ask again after `seconds`, or when the call `call_id` settles. Nothing was lost, nothing failed."""

    def __init__(self, seconds: float, call_id: UUID | None = None, reason: str = "") -> None:
        super().__init__(f"again in {seconds:.1f} s: {reason}")
        self.seconds = seconds
        self.call_id = call_id
        self.reason = reason


def call_key(origin: Origin, turn: int, request: Request) -> str:
    """Return the key of a call: the hash of organisation, task key, generation, turn and canonical request."""
    parts = [str(origin.organisation_id), origin.task_key, origin.generation, turn, request.canonical()]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = [
    "Abilities",
    "Accepted",
    "Answer",
    "Bucket",
    "Deferred",
    "Finish",
    "Judge",
    "Message",
    "Origin",
    "Rejected",
    "Reply",
    "ReportedLimits",
    "Request",
    "Usage",
    "Verdict",
    "call_key",
]
