"""Before and after a model is paid: who writes, what it will cost, under which cap; what it did cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from rich.markup import escape

from coursewright.cli.console import command, count, say, stderr
from coursewright.errors import InvalidRequest

if TYPE_CHECKING:
    from coursewright.app import Coursewright
    from coursewright.authors import Quote
    from coursewright.generation.terms import JobTerms
    from coursewright.llm.ledger import Spend
    from coursewright.settings import Settings

AuthorName = Literal["extractive", "llm"]


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What the command line says of models."""

    model: str | None = None
    base_url: str | None = None
    price: str | None = None
    budget: float | None = None
    fallbacks: tuple[str, ...] = ()
    urgency: Literal["normal", "batch"] = "normal"
    substitute: bool = True
    refresh: bool = False

    def author(self, named: AuthorName | None, configured: Settings) -> AuthorName:
        """Return who writes: who was named, else a model where one is named or has a key. Raises InvalidRequest."""
        if named == "extractive" and self != ModelOptions():
            raise InvalidRequest(
                "The author extractive asks no model; options of models were given, too.",
                hint="Leave them out, or say --author llm.",
            )
        if named is not None:
            return named
        known = configured.providers
        keys = (known.openai_key, known.anthropic_key, known.model)
        return "llm" if self != ModelOptions() or any(keys) else "extractive"

    def terms(self) -> JobTerms:
        """Return the terms of the job."""
        from coursewright.generation.terms import JobTerms

        return JobTerms(
            budget=None if self.budget is None else Decimal(str(self.budget)),
            fallbacks=self.fallbacks or None,
            urgency=self.urgency,
            substitute=self.substitute,
        )

    def reach(self) -> tuple[str, ...]:
        """Return the options that a later command needs too: what is said here is not kept with the job."""
        words: list[str] = []
        for option, value in (("--base-url", self.base_url), ("--price", self.price)):
            words += [option, value] if value is not None else []
        return tuple(words)


def tell_quote(quote: Quote, terms: JobTerms, *, capped: bool = True) -> None:
    """Print model, estimate and cap."""
    for name, text in quote_rows(quote, terms, capped=capped):
        stderr.print(f"  [dim]{name:<8}[/] {escape(text)}", soft_wrap=True)
    dollars = quote.estimate.dollars
    if capped and dollars is not None and dollars[0] > quote.cap:
        say("!", f"The cap of {quote.cap:.2f} dollars is below the estimate: the job will pause there.")


def quote_rows(quote: Quote, terms: JobTerms, *, capped: bool) -> list[tuple[str, str]]:
    """Return what is said of a course before it is begun."""
    estimate = quote.estimate
    tokens = tuple(a + b for a, b in zip(estimate.input_tokens, estimate.output_tokens, strict=True))
    time = _minutes(estimate.minutes) if terms.urgency == "normal" else f"up to {_wait(terms.hours)}"
    rows = [
        ("author", "llm: a model writes, code checks each sentence"),
        *_models(quote),
        ("estimate", f"{_range(estimate.calls)} calls, {_dollars(quote)}, {time}"),
        ("tokens", f"{_range(tuple(round(each, -3) for each in tokens))}"),
    ]
    if estimate.courses:
        rows.append(("learned", f"corrected by what {count(estimate.courses, 'earlier course')} took"))
    return [*rows, ("cap", f"{quote.cap:.2f} dollars; the job pauses before it would cost more")] if capped else rows


def _models(quote: Quote) -> list[tuple[str, str]]:
    """Name each model with what it is for; the one with the most kinds of work comes last and does "the rest"."""
    kinds: dict[str, list[str]] = {}
    for work in quote.estimate.work:
        kinds.setdefault(work.model, []).append(work.kind.replace("_", " "))
    *others, most = sorted(kinds, key=lambda model: len(kinds[model]))
    told = [f"{model} for {', '.join(kinds[model])}" for model in others]
    told.append(f"{most} for the rest" if others else most)
    rows = [("" if number else "model", text) for number, text in enumerate(told)]
    return [*rows, ("fallback", ", then ".join(quote.fallbacks))] if quote.fallbacks else rows


async def spent(program: Coursewright, job_id: UUID) -> tuple[Spend, int]:
    """Return what a job spent, and how many calls it made or used."""
    return await program.ledger.spent_by_job(job_id), len(await program.ledger.calls(job_id))


async def raised_cap(program: Coursewright, job_id: UUID, because: str | None) -> tuple[str, ...]:
    """Return the option with which a job goes on that was paused `because` of its own cap; else nothing."""
    from coursewright.llm.refusal import by_own_cap

    cap = (await program.ledger.spent_by_job(job_id)).cap if by_own_cap(because or "") else None
    return () if cap is None else ("--budget", f"{float(cap) * 2:g}")


def spent_text(spend: Spend, calls: int, job: str) -> str:
    """Say what a job spent."""
    cap = f" of {spend.cap:.2f}" if spend.cap is not None else ""
    perhaps = f", perhaps {spend.suspected:.4f} more" if spend.suspected else ""
    return f"{spend.settled:.4f}{cap} dollars{perhaps}, {count(calls, 'call')}: {command('calls', job)}"


def spent_json(spend: Spend, calls: int) -> dict[str, Any]:
    """Return the same for programs; dollars."""
    cap = None if spend.cap is None else float(spend.cap)
    return {"settled": float(spend.settled), "suspected": float(spend.suspected), "cap": cap, "calls": calls}


def _range(numbers: tuple[int, ...]) -> str:
    low, high = numbers
    return f"{low:,} to {high:,}" if high > low else f"{low:,}"


def _dollars(quote: Quote) -> str:
    dollars = quote.estimate.dollars
    if dollars is None:
        return "price not known"
    low, high = dollars
    if not high:
        return "free of charge"
    return f"{low:.2f} to {high:.2f} dollars"


def _wait(hours: float | None) -> str:
    return "a day" if hours is None else f"{hours:g} hours"


def _minutes(minutes: tuple[float, float]) -> str:
    low, high = (max(1, round(each)) for each in minutes)
    return f"{low} to {high} minutes" if high > low else f"about {count(low, 'minute')}"


__all__ = ["AuthorName", "ModelOptions", "quote_rows", "raised_cap", "spent", "spent_json", "spent_text", "tell_quote"]
