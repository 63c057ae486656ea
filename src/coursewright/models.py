"""The models of an installation: which are configured and for what, whether they answer, what they can do and cost."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from coursewright.authors import USUAL, Authors, check_name
from coursewright.course.plan import CourseRequest
from coursewright.errors import ConfigurationError, CoursewrightError, UnknownModel
from coursewright.llm.limits import ModelState
from coursewright.llm.model import Abilities
from coursewright.llm.prices import Price, Prices
from coursewright.llm.provider import Providers
from coursewright.settings import GatewaySettings, ModelLimits, ProviderSettings

_PROBE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model under one key. `used_for` is empty for one that is not configured any more, but was called.

    `reachable` is None when nobody asked; `why` says why it is not. `state` is None before the first call.
    """

    model: str
    used_for: tuple[str, ...]
    reachable: bool | None
    why: str
    abilities: Abilities | None
    limits: ModelLimits
    price: Price | None
    state: ModelState | None


def configured_models(settings: ProviderSettings, authors: Authors) -> dict[str, list[str]]:
    """Return the models that are configured, with what each is for. Raises InvalidRequest for a name that is none."""
    found: dict[str, list[str]] = {}
    with contextlib.suppress(ConfigurationError):  # none; some may be for a kind of task, or fallbacks
        found[authors.model(CourseRequest(author="llm"))] = ["what names no other"]
    for kind, model in settings.models.items():
        found.setdefault(model, []).append(kind.replace("_", " "))
    for model in settings.fallbacks:
        found.setdefault(model, []).append("fallback")
    for model in found:
        check_name(model)
    return found


async def known_models(
    configured: dict[str, list[str]],
    states: Sequence[ModelState],
    providers: Providers,
    prices: Prices,
    gateway: GatewaySettings,
    organisation_id: UUID,
    *,
    probe: bool,
) -> list[KnownModel]:
    """Return all models that are configured or were called. With `probe`, each is asked at no cost if it answers."""
    names = dict.fromkeys([*configured, *(state.model for state in states)])

    async def look(model: str) -> list[KnownModel]:
        provider_name, _, name = model.partition(":")
        abilities, reachable, why = None, None, ""
        try:
            provider = await providers.get(provider_name, organisation_id)
            abilities = provider.abilities(name)
            if probe:
                async with asyncio.timeout(_PROBE_SECONDS):
                    await provider.probe(name)
                reachable = True
        except UnknownModel as error:
            usual = USUAL.get(provider_name, model)
            reachable, why = False, error.detail + ("" if usual == model else f" The usual one is {usual}.")
        except TimeoutError:
            reachable, why = False, f"no answer within {_PROBE_SECONDS:.0f} s"
        except CoursewrightError as error:
            reachable, why = False, error.detail
        limits = gateway.limits.get(model) or gateway.limits.get(f"{provider_name}:*") or ModelLimits()
        of_model: list[ModelState | None] = [state for state in states if state.model == model]
        used_for = tuple(configured.get(model, ()))
        return [
            KnownModel(model, used_for, reachable, why, abilities, limits, prices.find(model), state)
            for state in of_model or [None]
        ]

    return [each for found in await asyncio.gather(*map(look, names)) for each in found]


__all__ = ["KnownModel", "configured_models", "known_models"]
