"""The seam to the vendors: one adapter a vendor, which translates and never retries, waits or counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from coursewright.errors import ConfigurationError, CoursewrightError
from coursewright.llm.model import Abilities, Reply, Request


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One call of a batch; `call_id` is its custom id."""

    call_id: UUID
    request: Request


class BatchState(StrEnum):
    """`ended`: results can be fetched, also those of a batch that expired or was cancelled half-way."""

    WORKING = "working"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one call of a batch: a reply or an error. A call without a result was not carried out.

    `call_id` None: what became of every call that has no result of its own.
    """

    call_id: UUID | None
    outcome: Reply | CoursewrightError


class Provider(Protocol):
    """A vendor under one key. Every method raises a `CallError`, whose class says what may have been billed."""

    @property
    def name(self) -> str:
        """Return the word before the colon of a model: `openai`, `anthropic`, `compatible`."""

    @property
    def endpoint(self) -> str:
        """Return what limits and the breaker belong to: the name, or `compatible@host:port`."""

    @property
    def fingerprint(self) -> str:
        """Return a short hash of the key; never a part of the key itself."""

    def abilities(self, model: str) -> Abilities:
        """Return what a model can do. No I/O."""

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - for the wire
        """Ask and wait at most `timeout` seconds. Long outputs are streamed and assembled."""

    async def submit(self, request: Request, call_id: UUID) -> str:
        """Ask in the background and return the provider's id at once (ability `background`)."""

    async def fetch(self, provider_id: str) -> Reply | None:
        """Return a background reply, or None while it is being made. Raises `ReplyLost` when it is gone."""

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Hand in calls of one model and return the batch's id (ability `batch`)."""

    async def poll_batch(self, batch_id: str) -> BatchState:
        """Return how far a batch is. Raises `ReplyLost` when the provider does not know it."""

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        """Return the results of an ended batch, in any order."""

    async def cancel_batch(self, batch_id: str) -> None:
        """Ask the provider to stop a batch; what is finished can still be fetched."""

    async def probe(self, model: str) -> None:
        """Check at no cost that the endpoint answers, takes the key and knows the model."""

    async def aclose(self) -> None:
        """Close connections."""


class Providers(Protocol):
    """Where providers come from: one for each name and organisation (which may have a key of its own)."""

    async def get(self, name: str, organisation_id: UUID | None, used: str | None = None) -> Provider:
        """Return a provider. Raises ConfigurationError when there is none of that name, or no key for it.

        `used`: fingerprint of the key of an earlier request, preferred as long as it is in force.
        """

    async def refused(self, provider: Provider, organisation_id: UUID | None) -> bool:
        """Note that a vendor refused a provider's key. True: the organisation has another one to try."""


class FixedProviders:
    """The same providers for every organisation."""

    def __init__(self, *providers: Provider) -> None:
        self._providers = {provider.name: provider for provider in providers}

    async def get(self, name: str, organisation_id: UUID | None, used: str | None = None) -> Provider:
        """Return the provider of that name. Raises ConfigurationError."""
        if name not in self._providers:
            raise ConfigurationError(
                f"No provider {name!r} is configured.",
                hint=f"Configured: {', '.join(sorted(self._providers)) or 'none'}.",
            )
        return self._providers[name]

    async def refused(self, provider: Provider, organisation_id: UUID | None) -> bool:
        """Return False: each has one key."""
        return False


__all__ = ["BatchItem", "BatchResult", "BatchState", "FixedProviders", "Provider", "Providers"]
