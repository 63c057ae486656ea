"""A provider that answers from a recording, whatever the prompt says now: asks nobody, costs nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from coursewright.errors import CallError, RequestRefused
from coursewright.evaluation.recording import RecordedReply, Recording, place
from coursewright.llm.model import Abilities, Reply, Request
from coursewright.llm.provider import BatchItem, BatchResult, BatchState, Provider
from coursewright.llm.providers.configured import ConfiguredProviders
from coursewright.settings import ProviderSettings

# Tells a call's turn.
TurnOf = Callable[[UUID], Awaitable[int]]


class Recorded:
    """A recorded reply is found by the task, the part of it and the turn that it was given to: a recording serves after
    prompts, checks and what tasks are made from have changed, as long as the outline is read as it was.
    """

    name = "recorded"
    endpoint = "recorded"
    fingerprint = "no-key"

    def __init__(self, recording: Recording, turn_of: TurnOf) -> None:
        self._abilities = recording.head.abilities
        self._replies = {(reply.task, reply.part, reply.turn): reply for reply in recording.replies}
        self._turn_of = turn_of
        self.used: list[RecordedReply] = []
        self.missing: list[int] = []  # the turns that there was no reply for

    def abilities(self, model: str) -> Abilities:
        """Return what the model could do whose replies these are. Nobody's limits or latency are to be kept here."""
        found = next((one for name, one in self._abilities.items() if name.partition(":")[2] == model), Abilities())
        return replace(found, background=False, batch=False, signals_load_by_latency=False)

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        """Return the recorded reply. Raises RequestRefused where there is none."""
        turn = await self._turn_of(call_id)
        found = self._replies.get((place(request.metadata["task"]), request.metadata["part"], turn))
        if found is None:
            self.missing.append(turn)
            raise RequestRefused(f"The recording has no reply for turn {turn + 1} of this call.")
        self.used.append(found)
        return Reply(found.text, found.finish, found.usage, found.model.partition(":")[2])

    async def submit(self, request: Request, call_id: UUID) -> str:
        """Raise: there is no such mode."""
        raise CallError("A recording has no background mode.")

    async def fetch(self, provider_id: str) -> Reply | None:
        """Raise: there is no such mode."""
        raise CallError("A recording has no background mode.")

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Raise: there is no such mode."""
        raise CallError("A recording has no batch mode.")

    async def poll_batch(self, batch_id: str) -> BatchState:
        """Raise: there is no such mode."""
        raise CallError("A recording has no batch mode.")

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        """Raise: there is no such mode."""
        raise CallError("A recording has no batch mode.")

    async def cancel_batch(self, batch_id: str) -> None:
        """Raise: there is no such mode."""
        raise CallError("A recording has no batch mode.")

    async def probe(self, model: str) -> None:
        """Do nothing: it is there."""

    async def aclose(self) -> None:
        """Do nothing."""


class RecordedProviders(ConfiguredProviders):
    """The recording in the place of every provider."""

    def __init__(self, recorded: Provider) -> None:
        super().__init__(ProviderSettings())
        self._recorded = recorded

    async def get(self, name: str, organisation_id: UUID | None, used: str | None = None) -> Provider:
        """Return the recording."""
        return self._recorded


__all__ = ["Recorded", "RecordedProviders"]
