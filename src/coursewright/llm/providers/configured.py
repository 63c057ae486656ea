"""The providers of an installation: made when they are first asked for, from keys and addresses in its settings."""

import importlib
from dataclasses import replace
from typing import Any
from uuid import UUID

from coursewright.errors import ConfigurationError
from coursewright.llm.provider import Provider
from coursewright.llm.providers.models import COMPATIBLE
from coursewright.settings import ProviderSettings

NAMES = ("openai", "anthropic", "compatible")


class ConfiguredProviders:
    """One provider of each name for all organisations."""

    def __init__(self, settings: ProviderSettings) -> None:
        self._settings = settings
        self._made: dict[str, Provider] = {}

    def configured(self) -> tuple[str, ...]:
        """Name the providers that a key or an address is set for."""
        has = {
            "openai": self._settings.openai_key,
            "anthropic": self._settings.anthropic_key,
            "compatible": self._settings.base_url,
        }
        return tuple(name for name in NAMES if has[name])

    async def get(self, name: str, organisation_id: UUID | None) -> Provider:
        """Return the provider of that name. Raises ConfigurationError when it cannot be made."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    async def aclose(self) -> None:
        """Close all connections."""
        for provider in self._made.values():
            await provider.aclose()
        self._made.clear()

    def _make(self, name: str) -> Provider:
        settings = self._settings
        provider: Provider
        match name:
            case "openai" if settings.openai_key:
                openai = _adapter("openai", "OpenAI")
                provider = openai(settings.openai_key, base_url=settings.openai_base_url, storage=settings.storage)
            case "anthropic" if settings.anthropic_key:
                anthropic = _adapter("anthropic", "Anthropic")
                provider = anthropic(settings.anthropic_key, base_url=settings.anthropic_base_url)
            case "compatible" if settings.base_url:
                abilities = replace(
                    COMPATIBLE,
                    context_window=settings.context_window,
                    largest_output=settings.largest_output,
                    json_schema=settings.json_schema,
                )
                compatible = _adapter("compatible", "Compatible")
                provider = compatible(settings.base_url, settings.key, abilities=abilities)
            case _:
                raise _missing(name)
        return provider


def _missing(name: str) -> ConfigurationError:
    hints = {
        "openai": "Set OPENAI_API_KEY.",
        "anthropic": "Set ANTHROPIC_API_KEY.",
        "compatible": "Give --base-url, or set COURSEWRIGHT_PROVIDERS__BASE_URL.",
    }
    return ConfigurationError(
        f"The provider {name!r} is not configured." if name in hints else f"There is no provider {name!r}.",
        hint=hints.get(name, f"Write the model as provider:model; providers: {', '.join(NAMES)}."),
    )


def _adapter(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(f"coursewright.llm.providers.{module}"), name)
    except ModuleNotFoundError as error:
        extra = "anthropic" if module == "anthropic" else "openai"
        raise ConfigurationError(
            f"The library of {extra} is not installed.", hint=f"pip install 'coursewright[{extra}]'"
        ) from error


__all__ = ["NAMES", "ConfiguredProviders"]
