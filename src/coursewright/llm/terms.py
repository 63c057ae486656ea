"""On what terms a call is made: mode, time, tokens to reserve, and the most that it can cost."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias
from uuid import UUID

from coursewright.errors import NeedsWorker
from coursewright.llm.call import CallRows, Learned
from coursewright.llm.model import Abilities, Deferred, Origin, Request
from coursewright.llm.prices import Price, Prices
from coursewright.llm.provider import Provider
from coursewright.llm.tokens import at_most_input
from coursewright.settings import GatewaySettings, ModelLimits

_LEARNED_SECONDS = 10.0
_BATCH_WAIT_SECONDS = 86_400.0  # until a call that waits for a batch is given up
_TYPICAL_TOKENS_PER_SECOND = 60.0
_LONGEST_GAP = 300.0  # seconds between two looks of a host; about half of what a provider keeps a reply
_MOST_JOBS = 10_000  # whose age is remembered

Mode: TypeAlias = Literal["sync", "flex", "background", "batch", "none"]


@dataclass(frozen=True, slots=True)
class Terms:
    """`mode` none: a stored answer may be used, a new one cannot be had, for the reason `unfit`. `timeout`: seconds.
    `tokens`: debited from the limit. `reserve`: dollars, None without a price.
    """

    mode: Mode
    timeout: float
    tokens: float
    input_estimate: int
    price: Price | None
    reserve: Decimal | None
    limits: ModelLimits
    unfit: NeedsWorker | Deferred | None = None


class TermsMaker:
    """Makes terms from what is configured and learned. `webhooks`: providers that tell when a reply is made."""

    def __init__(
        self, rows: CallRows, prices: Prices, settings: GatewaySettings, webhooks: Collection[str] = ()
    ) -> None:
        self._rows = rows
        self._prices = prices
        self._settings = settings
        self._webhooks = webhooks
        self._first_calls: dict[UUID, float] = {}
        self._learned: dict[tuple[str, str, str], tuple[float, Learned]] = {}

    async def make(self, provider: Provider, origin: Origin, request: Request) -> Terms:
        """Return the terms of a call."""
        abilities = provider.abilities(request.model_name)
        learned = await self._what_was_learned(provider, origin, request)
        output = request.max_output_tokens + (request.reasoning_tokens or 0)
        estimate = at_most_input(request)
        timeout = min(
            self._settings.most_seconds, self._settings.timeout_seconds + output / self._settings.tokens_per_second
        )
        mode = await self._mode(abilities, origin, request, _expected(learned, output))
        if mode == "sync" and origin.left is not None:
            timeout = min(timeout, max(1.0, origin.left - 1))
        elif mode == "flex":
            timeout = max(timeout, self._settings.flex_seconds)
        elif mode == "batch":
            timeout = _BATCH_WAIT_SECONDS
        price = self._prices.find(request.model)
        if price is not None and mode == "batch":
            price = price.times(Decimal(str(self._settings.batch_multiplier)))
        written = output if abilities.counts == "max_tokens" or learned.output is None else learned.output
        return Terms(
            mode=mode,
            timeout=timeout,
            tokens=estimate * (learned.input_ratio or 1.0) + written,
            input_estimate=estimate,
            price=price,
            reserve=None if price is None else price.most(estimate, output),
            limits=self.limits(request),
            unfit=_unfit(origin, request, _expected(learned, output)) if mode == "none" else None,
        )

    def limits(self, request: Request) -> ModelLimits:
        """Return the configured limits of a model."""
        configured = self._settings.limits
        return configured.get(request.model) or configured.get(f"{request.provider}:*") or ModelLimits()

    def discount(self, abilities: Abilities, *, storage: bool) -> Decimal | None:
        """Return the multiplier of the price where there is no hurry; None: the model has no cheaper mode."""
        if abilities.batch and storage:
            return Decimal(str(self._settings.batch_multiplier))
        return Decimal(str(self._settings.flex_multiplier)) if abilities.flex else None

    async def _mode(self, abilities: Abilities, origin: Origin, request: Request, expected: float) -> Mode:
        left = origin.left
        if origin.urgency == "batch" and not await self._is_late(origin):
            if abilities.batch and await self._rows.provider_storage(origin.organisation_id):
                return "batch"
            if abilities.flex and left is None:
                return "flex"
        if left is None or expected <= left:
            return "sync"
        if (
            abilities.background
            and await self._is_fetched_in_time(request.provider)
            and await self._rows.provider_storage(origin.organisation_id)
        ):
            return "background"
        return "none"

    async def _is_late(self, origin: Origin) -> bool:
        """Tell whether a job's time for batches is over: what is left goes at once, so that its deadline holds."""
        job = origin.job_id
        if job is None:
            return False
        if job not in self._first_calls:
            age = await self._rows.job_age(job)
            if age is None:
                return False
            if len(self._first_calls) >= _MOST_JOBS:
                self._first_calls.clear()
            self._first_calls[job] = time.monotonic() - age
        within = self._settings.batch_deadline_seconds if origin.within is None else origin.within
        return time.monotonic() - self._first_calls[job] > within - self._settings.batch_margin_seconds

    async def _is_fetched_in_time(self, provider: str) -> bool:
        """Tell whether somebody comes for a reply while the provider keeps it: called by it, or on a frequent round."""
        if provider in self._webhooks:
            return True
        gap = await self._rows.longest_gap()
        return gap is not None and gap <= _LONGEST_GAP

    async def _what_was_learned(self, provider: Provider, origin: Origin, request: Request) -> Learned:
        key = (provider.endpoint, request.model, origin.kind)
        known = self._learned.get(key)
        if known is None or time.monotonic() - known[0] > _LEARNED_SECONDS:
            known = (time.monotonic(), await self._rows.learned(*key))
            self._learned[key] = known
        return known[1]


def _expected(learned: Learned, output: int) -> float:
    """Return the seconds that a call takes in all but the slowest cases, storing its reply included."""
    return 1 + (learned.seconds or 2 + output / _TYPICAL_TOKENS_PER_SECOND)


def _unfit(origin: Origin, request: Request, expected: float) -> NeedsWorker | Deferred:
    if expected <= (origin.host_seconds or 0):
        return Deferred(1.0, reason="too little of this host's time is left")
    return NeedsWorker(
        f"A call to {request.model} takes about {expected:.0f} s, longer than this host lets a step run.",
        hint="Run `coursewright worker` where nothing ends it, or allow provider storage for background mode; "
        "then resume the job.",
    )


__all__ = ["Terms", "TermsMaker"]
