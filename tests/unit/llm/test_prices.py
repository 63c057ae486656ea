"""Prices: public ones, tiers, overrides, and what a call costs at most."""

from decimal import Decimal

import pytest

from coursewright.errors import ConfigurationError
from coursewright.llm.model import Message, Request, Usage
from coursewright.llm.prices import Price, Prices, parse_price
from coursewright.llm.tokens import at_most_input, at_most_tokens


def test_public_prices_and_cached_tokens() -> None:
    price = Prices().find("openai:gpt-4o-mini")
    assert price is not None
    assert price.cost(Usage(input=1_000_000, output=1_000_000, cached=500_000)) == Decimal("0.7125")
    assert price.source.startswith("genai-prices")


def test_long_prompts_have_their_own_rates() -> None:
    price = Prices().find("anthropic:claude-sonnet-4-5")
    assert price is not None
    short, long = price.cost(Usage(input=100_000)), price.cost(Usage(input=300_000))
    assert long == short * 6


def test_unknown_models_have_no_price() -> None:
    assert Prices().find("openai:there-is-no-such-model") is None
    assert Prices().find("compatible:qwen3") is None


def test_own_prices_come_first() -> None:
    prices = Prices({"openai:*": "1/2", "openai:gpt-4o-mini": "0.1/0.05/3"})
    exact, wide = prices.find("openai:gpt-4o-mini"), prices.find("openai:other")
    assert exact is not None
    assert wide is not None
    assert exact.cost(Usage(input=20, cached=10, output=1)) == Decimal("4.5") / 1_000_000
    assert wide.cost(Usage(input=1, output=1)) == Decimal(3) / 1_000_000
    assert parse_price("0").cost(Usage(input=1000, output=1000)) == 0


@pytest.mark.parametrize("text", ["", "cheap", "1/2/3/4", "-1/2", "1,5/2"])
def test_a_price_that_cannot_be_read_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_price(text)
    assert "INPUT" in caught.value.hint.upper()


def test_a_price_survives_storage_with_its_multiplier() -> None:
    price = Prices().find("anthropic:claude-sonnet-4-5")
    assert price is not None
    half = price.times(Decimal("0.5"))
    assert Price.from_json(half.to_json()) == half
    assert half.cost(Usage(input=10)) * 2 == price.cost(Usage(input=10))


def test_no_call_costs_more_than_it_was_reserved() -> None:
    price = Prices().find("anthropic:claude-sonnet-4-5")
    assert price is not None
    assert price.most(1000, 500) >= price.cost(Usage(input=1000, output=500, cache_written=1000))


def test_tokens_are_counted_on_the_safe_side() -> None:
    for text in ("The beekeeper opens the hive.", "Die Imkerin öffnet den Bienenstock.", "| 1 | 0.25 | 17 |"):
        assert at_most_tokens(text) > 1.5 * len(text.split())
    assert at_most_tokens("養蜂家は巣箱を開けます。") >= 12  # a token a character
    request = Request("openai:x", (Message("user", "What?"),), 10, schema={"type": "object"})
    assert at_most_input(request) > at_most_tokens("What?") + at_most_tokens('{"type": "object"}')
