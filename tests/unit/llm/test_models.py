"""What is known of models: a dated name can what its alias can, and old ones are not taken for new ones."""

import pytest

from coursewright.llm.providers.models import anthropic_abilities, openai_abilities, thinks_by_budget


@pytest.mark.parametrize(
    ("alias", "dated"),
    [
        ("claude-sonnet-4-0", "claude-sonnet-4-20250514"),
        ("claude-opus-4-0", "claude-opus-4-20250514"),
        ("claude-opus-4-1", "claude-opus-4-1-20250805"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-opus-4-5", "claude-opus-4-5-20251101"),
    ],
)
def test_a_dated_name_of_anthropic_can_what_its_alias_can(alias: str, dated: str) -> None:
    assert anthropic_abilities(dated) == anthropic_abilities(alias)
    assert thinks_by_budget(dated) == thinks_by_budget(alias)


@pytest.mark.parametrize(
    ("alias", "dated"),
    [
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
        ("gpt-4", "gpt-4-0613"),
        ("gpt-4-turbo", "gpt-4-turbo-2024-04-09"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
        ("o4-mini", "o4-mini-2025-04-16"),
        ("gpt-5", "gpt-5-2025-08-07"),
        ("gpt-5.4", "gpt-5.4-2026-03-05"),
    ],
)
def test_a_dated_name_of_openai_can_what_its_alias_can(alias: str, dated: str) -> None:
    assert openai_abilities(dated) == openai_abilities(alias)


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-3.5-turbo", 16_384),
        ("gpt-4", 8_192),
        ("gpt-4-1106-preview", 128_000),
        ("gpt-4-turbo", 128_000),
        ("gpt-4o-2024-05-13", 128_000),
    ],
)
def test_models_before_schemas_are_told_the_schema_in_the_prompt(model: str, window: int) -> None:
    known = openai_abilities(model)
    assert (known.json_schema, known.background, known.context_window) == ("none", False, window)


def test_the_first_models_of_the_fourth_generation_are_not_taken_for_the_newest() -> None:
    known = anthropic_abilities("claude-sonnet-4-20250514")
    assert (known.json_schema, known.context_window, known.largest_output) == ("none", 200_000, 32_000)
    assert anthropic_abilities("claude-sonnet-5").json_schema == "strict"
