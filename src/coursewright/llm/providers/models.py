"""What known models can do. An unknown model gets its provider's cautious default.

Sources: the vendors' model pages, as of the release.
"""

import re
from dataclasses import replace

from coursewright.llm.model import Abilities

_OPENAI = Abilities(
    json_schema="strict", background=True, batch=True, prompt_cache=True, context_window=128_000, largest_output=16_384,
    token_limit_name="max_output_tokens",  # noqa: S106 - a parameter
    temperature=True, counts="max_tokens", refund=False,
)  # fmt: skip
_OPENAI_REASONING = replace(
    _OPENAI, context_window=200_000, largest_output=100_000, temperature=False, reasoning=True, reasons_unasked=True,
    flex=True,
)  # fmt: skip
_OPENAI_LARGE = replace(_OPENAI_REASONING, context_window=1_000_000, largest_output=128_000)
_OPENAI_OLD = replace(_OPENAI, json_schema="none", background=False, largest_output=4_096)
_OPENAI_MODELS: tuple[tuple[str, Abilities], ...] = (
    (r"gpt-\d.*-chat", _OPENAI),
    (r"gpt-5(?:\.[0-3])?(?:-|$)|gpt-5\.4-(?:mini|nano)", replace(_OPENAI_LARGE, context_window=400_000)),
    (r"gpt-[5-9]", _OPENAI_LARGE),
    (r"gpt-4\.1", replace(_OPENAI, context_window=1_000_000, largest_output=32_768)),
    (r"o\d", _OPENAI_REASONING),
    (r"gpt-4-turbo|gpt-4-\d{4}-preview|gpt-4o-2024-05-13", _OPENAI_OLD),
    (r"gpt-3\.5", replace(_OPENAI_OLD, context_window=16_384)),
    (r"gpt-4(?:-|$)", replace(_OPENAI_OLD, context_window=8_192)),
)
_ANTHROPIC = Abilities(
    json_schema="strict", batch=True, prompt_cache=True, context_window=1_000_000, largest_output=64_000,
    token_limit_name="max_tokens",  # noqa: S106 - a parameter
    temperature=False, reasoning=True, counts="actual", refund=True,
)  # fmt: skip
_ANTHROPIC_OLD = replace(_ANTHROPIC, json_schema="none", context_window=200_000, largest_output=32_000)
_ANTHROPIC_MODELS: tuple[tuple[str, Abilities], ...] = (
    (r"claude-3", replace(_ANTHROPIC_OLD, largest_output=4_096, reasoning=False)),
    (r"claude-(?:opus|sonnet)-4-(?:[01]|2025\d{4})(?:-|$)", _ANTHROPIC_OLD),
    (r"claude-(?:opus-4-5|sonnet-4-5|haiku-4)", replace(_ANTHROPIC, context_window=200_000)),
)
_THINKS_BY_BUDGET = re.compile(r"claude-(?:3|haiku-4|(?:opus|sonnet)-4-[0-5])")  # newer ones by effort
COMPATIBLE = Abilities(
    json_schema="strict", context_window=32_768, largest_output=8_192, seed=True, signals_load_by_latency=True
)


def openai_abilities(model: str) -> Abilities:
    """Return the abilities of a model of OpenAI."""
    return _lookup(_OPENAI_MODELS, model, _OPENAI)


def anthropic_abilities(model: str) -> Abilities:
    """Return the abilities of a model of Anthropic."""
    return _lookup(_ANTHROPIC_MODELS, model, _ANTHROPIC)


def thinks_by_budget(model: str) -> bool:
    """Tell whether a model of Anthropic is told how many tokens to think, rather than how hard."""
    return _THINKS_BY_BUDGET.match(model) is not None


def _lookup(known: tuple[tuple[str, Abilities], ...], model: str, otherwise: Abilities) -> Abilities:
    return next((abilities for pattern, abilities in known if re.match(pattern, model)), otherwise)


__all__ = ["COMPATIBLE", "anthropic_abilities", "openai_abilities", "thinks_by_budget"]
