"""What is seen of an attempt from outside: names on every line that is logged in it, a span, and a line at its end."""

import logging
import time
from collections.abc import Awaitable, Callable

from coursewright.observing.logs import logged_as
from coursewright.observing.tracing import ended, task_span
from coursewright.queue.model import Cancel, Done, Fail, Lease, Outcome, Snooze

_log = logging.getLogger(__name__)


async def watched(lease: Lease, attempt: Callable[[], Awaitable[Outcome | None]]) -> None:
    """Carry out an attempt and tell of it. Of a failure its category is told: the message may quote a document."""
    names: dict[str, str | int] = {
        "job": str(lease.job_id),
        "task": lease.identifier,
        "attempt": lease.attempt,
        "organisation": str(lease.organisation_id),
    }
    traceparent = lease.request.get("traceparent")
    with logged_as(**names), task_span(lease.type, lease.job_id, traceparent, names) as span:
        began = time.monotonic()
        outcome = await attempt()
        word, error = _word(outcome), outcome.category if isinstance(outcome, Fail) else None
        ended(span, word, error)
        seconds = round(time.monotonic() - began, 3)
        _log.log(
            logging.WARNING if error else logging.INFO,
            "%s %s%s in %.1f s",
            lease.identifier,
            word,
            f" ({error})" if error else "",
            seconds,
            extra={"kind": lease.type, "outcome": word.replace(" ", "_"), "seconds": seconds},
        )


def _word(outcome: Outcome | None) -> str:
    """Say in a word how an attempt ended; None: its lease was lost."""
    match outcome:
        case None:
            return "lost"
        case Snooze():
            return "given back"
        case Done():
            return "completed"
        case Fail():
            return "failed"
        case Cancel():
            return "cancelled"


__all__ = ["watched"]
