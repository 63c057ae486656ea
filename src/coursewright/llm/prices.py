"""What tokens cost: public prices (genai-prices, offline), overridden by the installation's own.

The price that was used is stored with each call, so that the ledger stays true when prices change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from coursewright.errors import ConfigurationError
from coursewright.llm.model import Usage

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Rates:
    """Dollars a million tokens."""

    input: Decimal
    output: Decimal
    cached: Decimal
    cache_written: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """Rates by length of the prompt: `tiers` are (from how many input tokens, rates), ascending, the first from 0.

    `multiplier` is that of the mode, such as a batch's.
    """

    tiers: tuple[tuple[int, Rates], ...]
    source: str
    multiplier: Decimal = Decimal(1)

    def cost(self, usage: Usage) -> Decimal:
        """Return the dollars that a call costs."""
        rates = self._rates(usage.input)
        plain = max(0, usage.input - usage.cached - usage.cache_written)
        dollars = (
            plain * rates.input
            + usage.cached * rates.cached
            + usage.cache_written * rates.cache_written
            + usage.output * rates.output
        )
        return dollars / _MILLION * self.multiplier

    def most(self, input_tokens: int, output_tokens: int) -> Decimal:
        """Return the most that a call of these lengths can cost, whatever is cached."""
        rates = self._rates(input_tokens)
        dearest = max(rates.input, rates.cache_written)
        return (input_tokens * dearest + output_tokens * rates.output) / _MILLION * self.multiplier

    def times(self, multiplier: Decimal) -> "Price":
        """Return the same rates for another mode."""
        return Price(self.tiers, self.source, multiplier)

    def to_json(self) -> dict[str, Any]:
        """Return what is stored with a call."""
        return {
            "source": self.source,
            "multiplier": str(self.multiplier),
            "tiers": [
                {
                    "from": start,
                    "input": str(rates.input),
                    "output": str(rates.output),
                    "cached": str(rates.cached),
                    "cache_written": str(rates.cache_written),
                }
                for start, rates in self.tiers
            ],
        }

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> "Price":
        """Return a price that was stored."""
        tiers = tuple(
            (
                int(tier["from"]),
                Rates(
                    Decimal(tier["input"]),
                    Decimal(tier["output"]),
                    Decimal(tier["cached"]),
                    Decimal(tier["cache_written"]),
                ),
            )
            for tier in stored["tiers"]
        )
        return Price(tiers, stored["source"], Decimal(stored["multiplier"]))

    @staticmethod
    def stored(price: Mapping[str, Any] | None) -> "Price | None":
        """Return a price that was stored, if one was."""
        return None if price is None else Price.from_json(price)

    def _rates(self, input_tokens: int) -> Rates:
        return [rates for start, rates in self.tiers if start <= input_tokens or not start][-1]


def parse_price(text: str) -> Price:
    """Read `input/output` or `input/cached/output` in dollars a million tokens; `0` is free of charge."""
    parts = text.replace("$", "").split("/")
    if not 1 <= len(parts) <= 3 or not all(re.fullmatch(r"\s*\d+(\.\d+)?\s*", part) for part in parts):
        raise ConfigurationError(
            f"The price {text!r} cannot be read.",
            hint="Write dollars a million tokens as input/output, such as 0.15/0.60; 0 for a model that costs nothing.",
        )
    numbers = [Decimal(part.strip()) for part in parts]
    rates = Rates(
        input=numbers[0], output=numbers[-1], cached=numbers[-2 if len(numbers) > 1 else 0], cache_written=numbers[0]
    )
    return Price(((0, rates),), "set here")


class Prices:
    """Prices by `provider:model`. `overrides`: by the same, or by `provider:*`, as `parse_price` reads them."""

    def __init__(self, overrides: Mapping[str, str] | None = None) -> None:
        self._overrides = {model: parse_price(text) for model, text in (overrides or {}).items()}
        self._found: dict[str, Price | None] = {}

    def find(self, model: str) -> Price | None:
        """Return the price of a model, or None when nobody knows it."""
        provider = model.partition(":")[0]
        for name in (model, f"{provider}:*"):
            if name in self._overrides:
                return self._overrides[name]
        if model not in self._found:
            self._found[model] = _public_price(model)
        return self._found[model]


def _public_price(model: str) -> Price | None:
    try:
        from genai_prices import Usage as Tokens
        from genai_prices import __version__, calc_price
    except ImportError:
        return None
    provider, _, name = model.partition(":")
    try:
        found = calc_price(Tokens(input_tokens=1, output_tokens=1), name, provider_id=provider).model_price
    except LookupError:
        return None
    starts = {0}
    for field in ("input_mtok", "output_mtok"):
        starts |= {tier.start for tier in getattr(getattr(found, field), "tiers", ())}
    tiers = []
    for start in sorted(starts):
        plain, output = _at(found.input_mtok, start), _at(found.output_mtok, start)
        if plain is None or output is None:
            return None
        cached = _at(getattr(found, "cache_read_mtok", None), start)
        written = _at(getattr(found, "cache_write_mtok", None), start)
        rates = Rates(plain, output, plain if cached is None else cached, plain if written is None else written)
        tiers.append((start, rates))
    return Price(tuple(tiers), f"genai-prices {__version__}")


def _at(price: Any, tokens: int) -> Decimal | None:
    """Return the rate from a number of input tokens on; `price` is a number or has `base` and `tiers`."""
    if price is None or isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in sorted(price.tiers, key=lambda tier: tier.start) if tier.start <= tokens]
    return Decimal(reached[-1] if reached else price.base)


__all__ = ["Price", "Prices", "Rates", "parse_price"]
