"""What the adapters share: fingerprints, deadlines, effort, files of results, parameters that a model does not take."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from coursewright.errors import CallError, CallTimedOut, CoursewrightError, NeedsAction, RequestRefused
from coursewright.llm.model import Reply
from coursewright.llm.provider import BatchResult
from coursewright.llm.providers.vendor_errors import UNREADABLE, unsupported_parameter

T = TypeVar("T")

STREAMED_FROM = 8_000  # tokens of output; a shorter reply comes in one piece
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 120.0  # of silence in a stream
_END_SECONDS = 0.5  # from the last event of a stream to its end
_EFFORTS = ((2_000, "low"), (8_000, "medium"))


def fingerprint(key: str) -> str:
    """Return 12 hexadecimal digits that tell keys apart and give nothing of them away."""
    return hashlib.sha256(f"coursewright-key:{key}".encode()).hexdigest()[:12]


def effort(reasoning_tokens: int) -> str:
    """Return the word for so much reasoning."""
    return next((word for most, word in _EFFORTS if reasoning_tokens <= most), "high")


def refuse_page(headers: Mapping[str, str], vendor: str) -> None:
    """Raise NeedsAction for a page meant for people: the address leads to a site, a proxy or a place to sign in."""
    if headers.get("content-type", "").startswith("text/html"):
        raise NeedsAction(
            f"{vendor} answers with a page for people (HTML), so it is no API of a model.",
            hint="Check the address, such as --base-url: with its path, which often is /v1.",
        )


def told(answer: object, name: str) -> str:
    """Return a word that an answer must hold, or raise TypeError: an SDK says None for what is not there."""
    word = getattr(answer, name, None)
    if not isinstance(word, str):
        raise TypeError(f"it has no {name}")
    return word


def batch_results(
    headers: Mapping[str, str], text: str, vendor: str, outcome: Callable[[dict[str, Any]], Reply | CoursewrightError]
) -> list[BatchResult]:
    """Return what a file of results (JSON Lines) says; `outcome` reads the object of a line.

    A line that nobody can read takes nothing from the others. It was paid for all the same: its call may be billed, and
    where it does not tell whose it is, so may every call that has no result in any file of the batch.
    Raises NeedsAction or CallError where no line tells whose it is, which a proxy's words do not either: the results
    are still there, to be asked for again.
    """
    refuse_page(headers, vendor)
    results: list[BatchResult] = []
    for each in text.split("\n"):  # no more: U+2028 and its like may stand inside of JSON
        if not each.strip():
            continue
        call_id: UUID | None = None
        try:
            line = json.loads(each)
            call_id = UUID(line["custom_id"])
            results.append(BatchResult(call_id, outcome(line)))
        except CoursewrightError as error:
            results.append(BatchResult(call_id, error))
        except UNREADABLE as error:
            said = f"{vendor} sent a result of a batch that cannot be read: {error!r}"
            results.append(BatchResult(call_id, CallError(said, billed=True)))
    if results and not any(result.call_id for result in results):
        raise CallError(f"{vendor} sent something else than results of a batch.")
    return results


@contextlib.asynccontextmanager
async def deadline(seconds: float, vendor: str) -> AsyncIterator[None]:
    """Bound the whole of a call: an SDK's timeout is one of silence."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise CallTimedOut(f"{vendor} gave no whole reply within {seconds:.0f} s.") from error


async def drained(events: AsyncIterator[object]) -> None:
    """Read a stream to its end when that comes at once: then its connection can be used again."""
    with contextlib.suppress(Exception):  # the reply is there; nothing that comes after it counts
        async with asyncio.timeout(_END_SECONDS):
            async for _ in events:
                pass


class Dropped:
    """The parameters that models of this provider refused, and what took their place (None: nothing). Each costs one
    refused request, which is not billed.
    """

    def __init__(self) -> None:
        self._by_model: dict[str, dict[str, str | None]] = {}

    def left(self, model: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return parameters without those that the model refused before."""
        refused = self._by_model.get(model, {})
        names = {name: refused.get(name, name) for name in parameters}
        return {kept: parameters[name] for name, kept in names.items() if kept}

    async def without(
        self, model: str, parameters: dict[str, Any], send: Callable[[dict[str, Any]], Awaitable[T]]
    ) -> T:
        """Send; where a parameter is refused that can be left out or goes by another name, do so from now on."""
        while True:
            kept = self.left(model, parameters)
            try:
                return await send(kept)
            except RequestRefused as error:
                name, instead = unsupported_parameter(error)
                if name not in kept:
                    raise
                self._by_model.setdefault(model, {})[name] = instead


__all__ = [
    "CONNECT_SECONDS",
    "IDLE_SECONDS",
    "STREAMED_FROM",
    "Dropped",
    "batch_results",
    "deadline",
    "drained",
    "effort",
    "fingerprint",
    "refuse_page",
    "told",
]
