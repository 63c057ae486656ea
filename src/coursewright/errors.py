"""Every error that Coursewright raises on purpose.

    CoursewrightError
    ├── InputError               what the user gave cannot be used
    │   ├── UnreadableDocument       one file; carries its path
    │   ├── NothingToRead            no usable document at all
    │   ├── TooFewSources            the structure asked for does not fit the sources
    │   ├── InvalidRequest           an option or field has no such value
    │   └── TooLarge                 a file or request is above the limit
    ├── Unauthenticated          nobody, or a key or token that is not valid
    ├── IssuerUnavailable        whoever issues the tokens cannot be asked for the keys to check them
    ├── Forbidden                known, but not allowed to do this
    ├── LimitReached             too many in a window of time; carries `retry_after`
    ├── NotFound                 no such job, task, course or document
    ├── Conflict                 the thing is not in a state that allows this
    ├── ConfigurationError       settings are missing or contradict each other
    ├── DatabaseUnavailable      Postgres cannot be reached or started
    │   └── MigrationError           the schema is not what this version expects
    ├── OutputError              the result cannot be written (disk full, no permission)
    ├── SubprocessDied           what computed a result was killed: mostly for want of memory
    ├── CallError                one call to a model went wrong (an adapter raises it); carries retry_after if told
    │   ├── RateLimited              429
    │   ├── NoCapacity               a cheaper tier has no room now; not billed
    │   ├── Overloaded               the provider's own failure: 500, 502, 503, 529
    │   ├── CallTimedOut             no whole reply in time; may have been billed
    │   ├── ConnectionLost           not reached, or cut off (then perhaps billed)
    │   ├── ReplyLost                a background reply or batch that the provider no longer knows
    │   └── RequestRefused           the provider does not take this request
    │       └── PromptTooLong            more tokens than the model's window
    ├── NoUsableReply            every turn was rejected; carries the reasons
    ├── NeedsAction              the job pauses until somebody does something
    │   ├── KeyRefused               wrong or revoked key
    │   ├── QuotaExhausted           the account has no credit left
    │   ├── UnknownModel             never existed, or was retired
    │   ├── BudgetReached            a hard cap of the job, the organisation or the month
    │   ├── PriceUnknown             a budget cannot be kept without a price
    │   └── NeedsWorker              the call fits neither this host's time nor a background or batch mode
    ├── JobFailed                the job ended without a usable course
    └── Interrupted              the user stopped; the job can be resumed

Each class has a stable `code`; each instance says in `detail` what happened and in `hint` what to do.
How errors become HTTP statuses or exit codes is the business of `api` and `cli` alone.
"""

from collections.abc import Mapping
from typing import ClassVar


class CoursewrightError(Exception):
    """Base of all errors raised on purpose: a stable `code`, what happened (`detail`), what to do (`hint`)."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class InputError(CoursewrightError):
    """What the user gave cannot be used."""

    code = "invalid_input"


class UnreadableDocument(InputError):
    """One document cannot be read; the others may be."""

    code = "unreadable_document"

    def __init__(self, path: str, detail: str, *, hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:  # it crosses the border of the reading subprocess
        return (_unreadable, (self.path, self.detail, self.hint))


def _unreadable(path: str, detail: str, hint: str) -> UnreadableDocument:
    return UnreadableDocument(path, detail, hint=hint)


class NothingToRead(InputError):
    """No document with usable text was given."""

    code = "nothing_to_read"


class TooFewSources(InputError):
    """The structure that was asked for does not fit the sources."""

    code = "too_few_sources"


class InvalidRequest(InputError):
    """An option or a field has a value that does not exist."""

    code = "invalid_request"


class TooLarge(InputError):
    """A file or a request is larger, or there are more of them, than the limit allows."""

    code = "too_large"


class Unauthenticated(CoursewrightError):
    """No credentials came along, or they are not valid (any more)."""

    code = "unauthenticated"


class IssuerUnavailable(CoursewrightError):
    """The keys that tokens are checked with cannot be fetched: nobody knows whether a token is valid."""

    code = "issuer_unavailable"


class Forbidden(CoursewrightError):
    """Whoever asks is known, and may not do this."""

    code = "forbidden"


class LimitReached(CoursewrightError):
    """Too many requests in a window of time; there is room again after `retry_after` seconds."""

    code = "limit_reached"

    def __init__(self, detail: str, *, hint: str = "", retry_after: float = 1.0) -> None:
        super().__init__(detail, hint=hint)
        self.retry_after = retry_after


class NotFound(CoursewrightError):
    """There is no such job, task, course or document (or it belongs to another organisation)."""

    code = "not_found"


class Conflict(CoursewrightError):
    """The thing is not in a state that allows what was asked."""

    code = "conflict"


class ConfigurationError(CoursewrightError):
    """Settings are missing or contradict each other."""

    code = "configuration"


class DatabaseUnavailable(CoursewrightError):
    """Postgres cannot be reached or started."""

    code = "database_unavailable"


class MigrationError(DatabaseUnavailable):
    """The schema is not what this version of the program expects."""

    code = "migration"


class OutputError(CoursewrightError):
    """The result cannot be written."""

    code = "output"


class SubprocessDied(CoursewrightError):
    """The subprocess that computed something was killed or crashed."""

    code = "subprocess_died"


class CallError(CoursewrightError):
    """One call to a model went wrong. `billed`: the provider may have charged for it all the same.

    `headers` are those of the response, in lower case, as far as they speak of limits. `retry_after`: seconds until the
    provider wants to be asked again, where it says so.
    """

    code = "call_failed"

    def __init__(
        self,
        detail: str,
        *,
        hint: str = "",
        billed: bool = False,
        headers: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.billed = billed
        self.retry_after = retry_after
        self.headers: Mapping[str, str] = headers or {}


class RateLimited(CallError):
    """The provider says: too many requests or tokens a minute."""

    code = "rate_limited"


class NoCapacity(CallError):
    """A provider's cheaper tier has no room now; nothing was billed, and the model itself is well."""

    code = "no_capacity"


class Overloaded(CallError):
    """The provider failed on its own side (500, 502, 503, 529)."""

    code = "overloaded"


class CallTimedOut(CallError):
    """No whole reply came in time."""

    code = "call_timed_out"

    def __init__(self, detail: str, *, hint: str = "", billed: bool = True) -> None:
        super().__init__(detail, hint=hint, billed=billed)


class ConnectionLost(CallError):
    """The provider was not reached (`billed=False`), or the connection broke after the request had left."""

    code = "connection_lost"


class ReplyLost(CallError):
    """The provider no longer knows a background reply or a batch."""

    code = "reply_lost"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail, hint=hint, billed=True)


class RequestRefused(CallError):
    """The provider does not take this request; sending it again would not help."""

    code = "request_refused"


class PromptTooLong(RequestRefused):
    """The prompt does not fit the model's window."""

    code = "prompt_too_long"


class NoUsableReply(CoursewrightError):
    """Every turn of a call was rejected; `reasons` has one for each turn."""

    code = "no_usable_reply"

    def __init__(self, detail: str, *, reasons: tuple[str, ...], hint: str = "") -> None:
        super().__init__(detail, hint=hint)
        self.reasons = reasons


class NeedsAction(CoursewrightError):
    """The job cannot go on until somebody does something; it pauses, and nothing is lost."""

    code = "needs_action"


class KeyRefused(NeedsAction):
    """The provider does not take the key."""

    code = "key_refused"


class QuotaExhausted(NeedsAction):
    """The account at the provider has no credit left."""

    code = "quota_exhausted"


class UnknownModel(NeedsAction):
    """The provider does not know the model, or not any more."""

    code = "unknown_model"


class BudgetReached(NeedsAction):
    """What is spent and this call would be more than a hard cap."""

    code = "budget_reached"


class PriceUnknown(NeedsAction):
    """There is a budget, and no price to keep it with."""

    code = "price_unknown"


class NeedsWorker(NeedsAction):
    """The call needs more time than this host gives, and there is no background or batch mode."""

    code = "needs_worker"


class JobFailed(CoursewrightError):
    """The job ended without a usable course."""

    code = "job_failed"


class Interrupted(CoursewrightError):
    """The user stopped the work; it can be resumed."""

    code = "interrupted"
