"""Any endpoint that speaks OpenAI's Chat Completions: Ollama, vLLM, llama.cpp, Azure, gateways of one's own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import openai
from pydantic import SecretStr

from coursewright.errors import CallError, ConfigurationError
from coursewright.llm.headers import reported_limits
from coursewright.llm.model import Abilities, Reply, Request
from coursewright.llm.provider import BatchItem, BatchResult, BatchState
from coursewright.llm.providers import chat
from coursewright.llm.providers.models import COMPATIBLE
from coursewright.llm.providers.vendor_errors import mapped
from coursewright.llm.providers.wiring import (
    CONNECT_SECONDS,
    IDLE_SECONDS,
    STREAMED_FROM,
    Dropped,
    deadline,
    fingerprint,
    refuse_page,
)

_NO_SUCH_MODE = "This endpoint has neither background nor batch mode."


class Compatible:
    """An endpoint under one key (or none). `abilities` is what its operator says of all its models."""

    name = "compatible"

    def __init__(self, base_url: str, key: SecretStr | None = None, *, abilities: Abilities = COMPATIBLE) -> None:
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigurationError(
                f"{base_url!r} is no address of an endpoint.", hint="Write http://localhost:11434/v1, with the path."
            )
        self.endpoint = f"compatible@{address.netloc.rpartition('@')[2]}"
        secret = key.get_secret_value() if key else "none"  # the SDK wants one
        self.fingerprint = fingerprint(secret)
        self._what = f"The endpoint at {self.endpoint.partition('@')[2]}"
        self._abilities = replace(abilities, background=False, batch=False)
        self._dropped = Dropped()
        self._client = openai.AsyncOpenAI(
            api_key=secret,
            base_url=base_url,
            max_retries=0,
            timeout=openai.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS),
        )

    def abilities(self, model: str) -> Abilities:
        """Return the same for every model: nobody but the operator knows."""
        return self._abilities

    async def send(self, request: Request, call_id: UUID, timeout: float) -> Reply:  # noqa: ASYNC109 - see Provider
        """Ask and wait. A local model may be silent for long before its first token: the deadline alone ends that."""
        patient = openai.Timeout(timeout, connect=CONNECT_SECONDS)

        async def post(parameters: dict[str, Any]) -> Reply:
            create = self._client.chat.completions.with_raw_response.create
            with mapped(openai, self._what):
                if request.max_output_tokens < STREAMED_FROM:
                    raw = await create(**parameters, timeout=patient)
                    refuse_page(raw.headers, self._what)
                    return chat.read(raw.parse(), self._what, reported_limits(dict(raw.headers)))
                stream = await create(
                    **parameters, timeout=patient, stream=True, stream_options={"include_usage": True}
                )
                refuse_page(stream.headers, self._what)
                limits = reported_limits(dict(stream.headers))
                return await chat.assemble(aiter(stream.parse()), self._what, limits)

        async with deadline(timeout, self._what):
            parameters = chat.parameters(request, self._abilities)
            return await self._dropped.without(request.model_name, parameters, post)

    async def submit(self, request: Request, call_id: UUID) -> str:
        """Raise: there is no such mode."""
        raise CallError(_NO_SUCH_MODE)

    async def fetch(self, provider_id: str) -> Reply | None:
        """Raise: there is no such mode."""
        raise CallError(_NO_SUCH_MODE)

    async def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Raise: there is no such mode."""
        raise CallError(_NO_SUCH_MODE)

    async def poll_batch(self, batch_id: str) -> BatchState:
        """Raise: there is no such mode."""
        raise CallError(_NO_SUCH_MODE)

    async def fetch_batch(self, batch_id: str) -> list[BatchResult]:
        """Raise: there is no such mode."""
        raise CallError(_NO_SUCH_MODE)

    async def cancel_batch(self, batch_id: str) -> None:
        """Raise: there is no such mode."""
        raise CallError(_NO_SUCH_MODE)

    async def probe(self, model: str) -> None:
        """List the models: every such endpoint can. One that leaves some out of its list is believed later."""
        with mapped(openai, self._what):
            await self._client.models.list()

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()


__all__ = ["Compatible"]
