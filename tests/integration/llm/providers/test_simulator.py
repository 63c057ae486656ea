"""The adapters against a simulator that was not written here: llmock, as a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from pydantic import SecretStr

from coursewright.generation.authors.llm.wire import WireMindMap
from coursewright.llm.model import Finish, Message, Reply, Request
from coursewright.llm.provider import BatchItem, BatchState, Provider
from coursewright.llm.providers.anthropic import Anthropic
from coursewright.llm.providers.compatible import Compatible
from coursewright.llm.providers.openai import OpenAI
from tests.wire import llmock


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    """URL of a running llmock."""
    with llmock("--rpm", "100000", "--tpm", "100000000") as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _provider(name: str, url: str) -> AsyncIterator[tuple[Provider, str]]:
    key = SecretStr("sk-test")
    made: dict[str, tuple[Provider, str]] = {
        "openai": (OpenAI(key, base_url=f"{url}/v1"), "openai:gpt-4o"),
        "compatible": (Compatible(f"{url}/v1", key), "compatible:gpt-4o"),
        "anthropic": (Anthropic(key, base_url=f"{url}/anthropic"), "anthropic:claude-sonnet-5"),
    }
    provider, model = made[name]
    try:
        yield provider, model
    finally:
        await provider.aclose()


def _request(model: str, output: int) -> Request:
    shared = (Message("system", "Draw mind maps.", shared=True), Message("user", "Bees", shared=True))
    messages = (*shared, Message("user", "now"))
    return Request(model, messages, output, WireMindMap.model_json_schema(), "mind_map", temperature=0.3)


@pytest.mark.parametrize("name", ["openai", "compatible", "anthropic"])
@pytest.mark.parametrize("output", [500, 9_000], ids=["whole", "streamed"])
async def test_a_reply_fits_the_schema_and_tells_usage_and_limits(simulator: str, name: str, output: int) -> None:
    async with _provider(name, simulator) as (provider, model):
        reply = await provider.send(_request(model, output), uuid4(), 60)
    assert reply.finish == Finish.STOP
    if name != "anthropic":  # the simulator knows no schemas there
        WireMindMap.model_validate_json(reply.text)
    assert reply.text
    assert reply.usage.input > 0
    assert reply.usage.output > 0
    assert reply.provider_id
    assert reply.limits is not None
    assert reply.limits.requests.limit


async def test_a_batch_is_handed_in_and_its_results_match_the_calls(simulator: str) -> None:
    async with _provider("openai", simulator) as (provider, model):
        items = [BatchItem(uuid4(), _request(model, 500)) for _ in range(3)]
        batch_id = await provider.submit_batch(items)
        async with asyncio.timeout(120):
            while await provider.poll_batch(batch_id) != BatchState.ENDED:
                pass
        results = {each.call_id: each.outcome for each in await provider.fetch_batch(batch_id)}
    assert set(results) == {item.call_id for item in items}
    for outcome in results.values():
        assert isinstance(outcome, Reply)
        assert outcome.text
        assert outcome.usage.output > 0


@pytest.mark.parametrize("name", ["openai", "compatible"])
async def test_a_probe_costs_nothing_and_tells_of_an_unknown_model(simulator: str, name: str) -> None:
    async with _provider(name, simulator) as (provider, _):
        await provider.probe("gpt-4o")
