"""Why a call may not be sent now, in the words of whoever has to wait or to do something."""

from coursewright.errors import BudgetReached, CallError, PriceUnknown
from coursewright.llm.call import Begun
from coursewright.llm.model import Deferred, Request
from coursewright.llm.terms import Terms


def refusal(begun: Begun, request: Request, terms: Terms) -> Exception:
    """Return what to raise when a call may not be sent now."""
    match begun.outcome:
        case "budget":
            whose = {"job": "this job", "month": "this month", "organisation": "the organisation"}[begun.scope]
            return BudgetReached(
                f"The next call could cost {begun.needed:.4f} dollars; {begun.spent:.4f} of the {begun.cap:.2f} for "
                f"{whose} are spent.",
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
        case "unfit":
            assert terms.unfit is not None  # noqa: S101 - that is what makes the mode unfit
            return terms.unfit
        case "pending":
            return Deferred(begun.seconds, begun.call, "already asked")
        case _:
            return Deferred(begun.seconds, begun.other, begun.why)


__all__ = ["refusal"]
