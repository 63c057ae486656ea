"""The providers of an installation: made when they are first asked for, one for each key, from keys in the database and
in the settings, and addresses in the settings.
"""

import importlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from coursewright.errors import ConfigurationError
from coursewright.llm.keys import NAMES, ProviderKeys, UsableKey
from coursewright.llm.provider import Provider
from coursewright.llm.providers.models import COMPATIBLE
from coursewright.llm.providers.wiring import fingerprint
from coursewright.settings import ProviderSettings

_SECONDS_BETWEEN_LOOKS = 5.0  # at the keys in the database
_SECONDS_UNUSED = 3600.0  # longer than any call: then nothing is in flight over its connections
_NO_KEY = fingerprint("none")


class ConfiguredProviders:
    """One provider for each name and key. Organisations share it only when they share the key.

    `keys`: those in the database; None: only those of the settings.
    """

    def __init__(self, settings: ProviderSettings, keys: ProviderKeys | None = None) -> None:
        self._settings = settings
        self._keys = keys
        self._known: dict[tuple[str, UUID | None], tuple[float, list[UsableKey]]] = {}
        self._made: dict[tuple[str, str], Provider] = {}
        self._used: dict[tuple[str, str], float] = {}

    @property
    def keys(self) -> ProviderKeys:
        """Return the keys in the database."""
        assert self._keys is not None  # noqa: S101 - the program has them
        return self._keys

    def configured(self) -> tuple[str, ...]:
        """Name the providers that the settings have a key or an address for."""
        has = {
            "openai": self._settings.openai_key,
            "anthropic": self._settings.anthropic_key,
            "compatible": self._settings.base_url,
        }
        return tuple(name for name in NAMES if has[name])

    async def get(self, name: str, organisation_id: UUID | None, used: str | None = None) -> Provider:
        """Return the provider of that name under the key to use: the organisation's newest, else the installation's,
        else that of the settings. `used`: fingerprint of the key of an earlier request, whose reply others need not
        see; it is preferred while its vendor takes it.

        Raises ConfigurationError when there is none.
        """
        if name not in NAMES or (name == "compatible" and not self._settings.base_url):
            raise _missing(name)
        usable = await self._usable(name, organisation_id)
        if not usable:
            raise _missing(name)
        chosen = next((key for key in usable if key.fingerprint == used and not key.refused), usable[0])
        return await self._provider(name, chosen)

    async def refused(self, provider: Provider, organisation_id: UUID | None) -> bool:
        """Note that a vendor refused a provider's key. True: the organisation has another one to try."""
        usable = await self._usable(provider.name, organisation_id)
        refused = next((key for key in usable if key.fingerprint == provider.fingerprint), None)
        if self._keys is None or refused is None:
            return False
        self._known.clear()
        return await self._keys.refused(provider.name, refused.fingerprint, refused.owner)

    def webhook(self, body: bytes, headers: Mapping[str, str]) -> str | None:
        """Return the id of what a webhook of OpenAI says has ended. Raises Unauthenticated, ConfigurationError."""
        given = self._settings.openai_webhook_secret
        secrets = given.get_secret_value().split(",") if given else []
        found: str | None = _adapter("openai_webhook", "ended")(body, headers, [each.strip() for each in secrets])
        return found

    async def aclose(self) -> None:
        """Close all connections."""
        for provider in self._made.values():
            await provider.aclose()
        self._made.clear()

    async def _usable(self, name: str, organisation_id: UUID | None) -> list[UsableKey]:
        known = self._known.get((name, organisation_id))
        if known is None or known[0] < time.monotonic():
            kept = [] if self._keys is None else await self._keys.usable(name, organisation_id)
            known = (time.monotonic() + _SECONDS_BETWEEN_LOOKS, kept + self._of_settings(name))
            self._known[name, organisation_id] = known
        return known[1]

    def _of_settings(self, name: str) -> list[UsableKey]:
        settings = self._settings
        keys = {"openai": settings.openai_key, "anthropic": settings.anthropic_key, "compatible": settings.key}
        key = keys[name]
        if key is not None:
            return [UsableKey(None, fingerprint(key.get_secret_value()), key)]
        return [UsableKey(None, _NO_KEY, SecretStr("none"))] if name == "compatible" else []

    async def _provider(self, name: str, key: UsableKey) -> Provider:
        slot = (name, key.fingerprint)
        now = time.monotonic()
        if slot not in self._made:
            for old in [each for each, at in self._used.items() if at < now - _SECONDS_UNUSED]:
                del self._used[old]
                await self._made.pop(old).aclose()
            self._made[slot] = self._make(name, key)
        self._used[slot] = now
        return self._made[slot]

    def _make(self, name: str, key: UsableKey) -> Provider:
        settings = self._settings
        provider: Provider
        match name:
            case "openai":
                openai = _adapter("openai", "OpenAI")
                provider = openai(key.key, base_url=settings.openai_base_url, storage=settings.storage)
            case "anthropic":
                anthropic = _adapter("anthropic", "Anthropic")
                provider = anthropic(key.key, base_url=settings.anthropic_base_url)
            case _:
                abilities = replace(
                    COMPATIBLE,
                    context_window=settings.context_window,
                    largest_output=settings.largest_output,
                    json_schema=settings.json_schema,
                    reasoning=settings.reasoning,
                    reasons_unasked=settings.reasoning,
                )
                compatible = _adapter("compatible", "Compatible")
                given = None if key.fingerprint == _NO_KEY else key.key
                provider = compatible(settings.base_url, given, abilities=abilities)
        return provider


def _missing(name: str) -> ConfigurationError:
    hints = {
        "openai": "Set OPENAI_API_KEY, or add a key: coursewright provider-keys add openai.",
        "anthropic": "Set ANTHROPIC_API_KEY, or add a key: coursewright provider-keys add anthropic.",
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
