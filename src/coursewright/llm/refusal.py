"""Why a call may not be sent now, in the words of whoever has to wait or to do something."""

from coursewright.errors import BudgetReached, CallError, PriceUnknown, PromptTooLong, RequestRefused
from coursewright.llm.call import Begun
from coursewright.llm.model import Deferred, Request
from coursewright.llm.terms import Terms

# Why a call may not be sent now (`begin_call`), in words for the story of its job.
_WAITS = {
    "backoff": "{model} has just failed and is asked again",
    "budget in flight": "calls under way may use up the budget; what they really cost shows when they are answered",
    "calls at once": "the organisation has as many calls under way as it may have",
    "limit": "{model} takes no more requests this minute",
    "load": "{model} is busy with other calls",
}

# The same, while an answer is under way; by the mode of its send.
_UNANSWERED = "a call to {model} is unanswered; if its worker has vanished, it is made again when its time is up"
PENDING = {
    "sync": _UNANSWERED,
    "flex": _UNANSWERED,
    "background": "{model} makes an answer in the background",
    "batch": "an answer comes with a batch of {model}, within a day",
}


_OF_JOB = "for this job are spent"


def by_own_cap(because: str) -> bool:
    """Tell whether a job was paused because of its own cap, and not, say, of that of its organisation's month."""
    return _OF_JOB in because


def refusal(begun: Begun, request: Request, terms: Terms) -> Exception:
    """Return what to raise when a call may not be sent now."""
    match begun.outcome:
        case "budget":
            whose = {"month": "for this month are spent", "organisation": "for the organisation are spent"}
            return BudgetReached(
                f"The next call could cost {begun.needed:.4f} dollars; {begun.spent:.4f} of the {begun.cap:.2f} "
                f"{whose.get(begun.scope, _OF_JOB)}.",
                hint="Raise the budget and resume: what was written is kept, and nothing is paid twice.",
            )
        case "price":
            return PriceUnknown(
                f"Nobody knows what {request.model} costs, and there is a budget of {begun.cap:.2f} dollars to keep.",
                hint="Say what it costs (--price INPUT/OUTPUT, dollars a million tokens; 0 if free), or set no budget.",
            )
        case "worn":
            return CallError(
                f"{request.model} gave no reply, however often it was asked. The last time: {begun.detail}",
                hint="Is the provider in trouble? Retry the task later, or choose another model.",
            )
        case "refused":
            kind = PromptTooLong if begun.error == PromptTooLong.code else RequestRefused
            return kind(begun.detail or f"{request.model} does not take this request.")
        case "unfit":
            assert terms.unfit is not None  # noqa: S101 - that is what makes the mode unfit
            return terms.unfit
        case "pending":
            return Deferred(begun.seconds, begun.call, PENDING[begun.mode].format(model=request.model))
        case _:
            why = _WAITS.get(begun.why, begun.why).format(model=request.model)
            return Deferred(begun.seconds, begun.other, why)


__all__ = ["PENDING", "by_own_cap", "refusal"]
