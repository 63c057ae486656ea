"""On what terms a call is made: mode, time, tokens to reserve, and the most that it can cost."""

import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

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


@dataclass(frozen=True, slots=True)
class Terms:
    """`mode` none: a stored answer may be used, a new one cannot be had, for the reason `unfit`. `timeout`: seconds.
    `tokens`: debited from the limit. `reserve`: dollars, None without a price.
    """

    mode: Literal["sync", "background", "batch", "none"]
    timeout: float
    tokens: float
    input_estimate: int
    price: Price | None
    reserve: Decimal | None
    limits: ModelLimits
    unfit: NeedsWorker | Deferred | None = None


class TermsMaker:
    """Makes terms from what is configured and what was learned."""

    def __init__(self, rows: CallRows, prices: Prices, settings: GatewaySettings) -> None:
        self._rows = rows
        self._prices = prices
        self._settings = settings
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
        mode = await self._mode(abilities, origin, learned, output)
        if mode == "sync" and origin.seconds_left is not None:
            timeout = min(timeout, max(1.0, origin.seconds_left - 1))
        if mode == "batch":
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

    async def _mode(
        self, abilities: Abilities, origin: Origin, learned: Learned, output: int
    ) -> Literal["sync", "background", "batch", "none"]:
        if origin.urgency == "batch" and abilities.batch and await self._rows.provider_storage(origin.organisation_id):
            return "batch"
        if origin.seconds_left is None or _expected(learned, output) <= origin.seconds_left:
            return "sync"
        if abilities.background and await self._rows.provider_storage(origin.organisation_id):
            return "background"
        return "none"

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
