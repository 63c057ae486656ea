"""Who writes a course that is asked for over HTTP: author, model and terms, within what the organisation may spend."""

import contextlib
from decimal import Decimal
from uuid import UUID

from coursewright.authors import Authors, Quote
from coursewright.course.plan import CourseRequest
from coursewright.errors import BudgetReached, ConfigurationError, InvalidRequest
from coursewright.generation.estimate import Sizes
from coursewright.generation.terms import JobTerms
from coursewright.generation.wish import AuthorName, CourseWish
from coursewright.llm.ledger import Ledger, Spend
from coursewright.organisation import Choice
from coursewright.settings import Settings

_BYTES_A_WORD = 6.2  # of running text; a guess for a guess
_HINT = 'Ask for less (fewer weeks, lessons or questions), or let the built-in author write: "author": "extractive".'


class Chooser:
    """Chooses for one installation. Where nobody is named, a model writes if one is configured and its course would fit
    the budgets, else the built-in author.
    """

    def __init__(self, settings: Settings, authors: Authors, ledger: Ledger) -> None:
        known = settings.providers
        self._authors = authors
        self._ledger = ledger
        self._storage = known.storage
        self._month_budget = settings.gateway.month_budget
        has_model = bool(known.openai_key or known.anthropic_key or known.model)
        self.default: AuthorName = settings.generation.author or ("llm" if has_model else "extractive")
        usual = []
        with contextlib.suppress(ConfigurationError):
            usual = [authors.model(CourseRequest(author="llm"))]
        self.nameable = tuple(dict.fromkeys([*usual, *settings.generation.models]))

    async def __call__(
        self, organisation_id: UUID, wish: CourseWish, *, urgency: str, sources: tuple[int, int] | None
    ) -> Choice:
        """Return who writes. `sources`: passages and bytes, None while they are not known.

        Raises InvalidRequest (a model that may not be named), BudgetReached, PriceUnknown.
        """
        named = wish.named_author
        author = named or self.default
        batch = urgency == "batch"
        if wish.model and (named == "extractive" or wish.model not in self.nameable):
            raise _refused(wish, self.nameable)
        if author == "extractive":
            return Choice("extractive", notes=("Not done as a batch: no model is asked.",) if batch else ())
        notes: tuple[str, ...] = ()
        try:
            quote = await self._quote(organisation_id, wish, batch=batch, sources=sources)
        except InvalidRequest as error:
            if not batch:
                raise
            batch, notes = False, (f"Not done as a batch: {error.detail}",)
            quote = await self._quote(organisation_id, wish, batch=False, sources=sources)
        left, whose = await self._left(organisation_id, quote)
        dollars = quote.estimate.dollars if quote else None
        if left is not None and (left <= 0 or (dollars is not None and dollars[0] > left)):
            cost = f"A model would cost about {dollars[0]:.2f} to {dollars[1]:.2f} dollars, and " if dollars else ""
            why = f"{cost}{max(left, Decimal(0)):.2f} dollars {whose}."
            if named:
                raise BudgetReached(why[0].upper() + why[1:], hint=_HINT)
            return Choice("extractive", notes=(f"{why} The built-in author writes instead.",))
        if batch and self._storage:
            await self._ledger.allow_storage(organisation_id)
        return Choice(
            "llm",
            model=quote.estimate.model if quote else wish.model,
            estimate=_told(quote) if quote and sources else None,
            terms={"urgency": "batch"} if batch else {},
            notes=notes,
        )

    async def _quote(
        self, organisation_id: UUID, wish: CourseWish, *, batch: bool, sources: tuple[int, int] | None
    ) -> Quote | None:
        passages, size = sources or (0, 0)
        sizes = Sizes(passages, round(size / _BYTES_A_WORD), size)
        terms = JobTerms(urgency="batch" if batch else "normal")
        try:
            return await self._authors.quote(sizes, wish.request("llm"), terms, organisation_id)
        except ConfigurationError:  # the keys are where the workers are
            return None

    async def _left(self, organisation_id: UUID, quote: Quote | None) -> tuple[Decimal | None, str]:
        """Return the least that a job may still spend, and what that is."""
        month = await self._ledger.spent_this_month(organisation_id)
        total = await self._ledger.spent_by_organisation(organisation_id)
        month_cap = month.cap if month.cap is not None else self._month_budget
        known = [
            (None if quote is None else quote.cap, "are what one job may spend"),
            (None if month_cap is None else Decimal(str(month_cap)) - _spent(month), "are left of this month's budget"),
            (None if total.cap is None else total.cap - _spent(total), "are left of the organisation's budget"),
        ]
        found = [(left, whose) for left, whose in known if left is not None]
        return min(found) if found else (None, "")


def _spent(spend: Spend) -> Decimal:
    return spend.reserved + spend.settled + spend.suspected


def _told(quote: Quote) -> dict[str, float | None]:
    low, high = quote.estimate.dollars or (None, None)
    return {
        "lowUsd": None if low is None else round(float(low), 4),
        "highUsd": None if high is None else round(float(high), 4),
        "capUsd": float(quote.cap),
        "lowMinutes": round(quote.estimate.minutes[0], 1),
        "highMinutes": round(quote.estimate.minutes[1], 1),
    }


def _refused(wish: CourseWish, nameable: tuple[str, ...]) -> InvalidRequest:
    if wish.author == "extractive":
        return InvalidRequest(
            "The built-in author asks no model, and one is named.", hint="Leave out `model`, or name the author llm."
        )
    known = ", ".join(nameable)
    return InvalidRequest(
        f"The model {wish.model!r} may not be asked for here.",
        hint=f"Models that may: {known}." if known else "Leave `model` out.",
    )


__all__ = ["Chooser"]
