"""Spans and metrics tell of every call, and never what was said."""

from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from coursewright.db.pool import Pool
from coursewright.errors import RateLimited
from coursewright.llm import Deferred, Finish, Gateway, Reply, Usage
from coursewright.llm.flight import Sent
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.scripted import Say
from coursewright.llm.telemetry import Telemetry
from tests.integration.llm.gateway_bench import ORIGIN, REQUEST, GatewayBench, good


def sums(reader: InMemoryMetricReader) -> dict[str, float]:
    """Return the sum of every metric by name."""
    told = reader.get_metrics_data()
    assert told is not None
    found: dict[str, float] = {}
    for resource in told.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points: list[Any] = list(metric.data.data_points)
                found[metric.name] = sum(getattr(point, "value", getattr(point, "sum", 0)) for point in points)
    return found


async def test_replies_from_the_background_and_from_batches_are_counted_once(pool: Pool) -> None:
    reader = InMemoryMetricReader()
    bench = GatewayBench(pool, lambda request, asked: Say("honey", usage=Usage(20, 50)), wave_seconds=0)
    telemetry = Telemetry(TracerProvider(), MeterProvider([reader]))
    bench.gateway = Gateway(pool, FixedProviders(bench.provider), bench.settings, telemetry=telemetry)
    await bench.allow_background()
    with pytest.raises(Deferred, match="background"):
        await bench.ask("in the background", seconds_left=2.0)
    with pytest.raises(Deferred, match="batch"):
        await bench.ask("in a batch", urgency="batch")
    assert reader.get_metrics_data() is None  # nobody has answered yet
    for _ in range(3):
        await bench.sql("update coursewright.batches set poll_at = '-infinity' where poll_at is not null")
        await bench.skip_waits()
        await bench.gateway.duties()
    assert await bench.states() == ["settled"] * 2
    told = sums(reader)
    assert told["gen_ai.client.token.usage"] == 2 * 70
    assert told["coursewright.llm.cost"] == pytest.approx(120e-6 * 1.5)
    assert told["gen_ai.client.operation.duration"] > 0
    # The same reply once more, as when two fetch it at the same time.
    send = await bench.sql("select id from coursewright.sends limit 1")
    call = await bench.sql("select call_id from coursewright.sends where id = %s", send)
    sent = Sent(call, send, "scripted:small", "lesson_section", None)
    await bench.gateway._flights.store(sent, Reply("honey", Finish.STOP, Usage(20, 50), "small"), "batch", 1.0)
    assert sums(reader) == told


async def test_a_call_a_refusal_and_a_stored_answer(pool: Pool) -> None:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    bench = GatewayBench(pool, lambda request, asked: RateLimited("no", retry_after=0) if asked == 0 else Say("honey"))
    telemetry = Telemetry(tracers, MeterProvider([reader]))
    gateway = Gateway(pool, FixedProviders(bench.provider), bench.settings, telemetry=telemetry)
    with pytest.raises(Deferred):
        await gateway.call(ORIGIN, REQUEST, good)
    await bench.sql("delete from coursewright.limits")
    for _ in range(2):
        await gateway.call(ORIGIN, REQUEST, good)
    refused, answered = spans.get_finished_spans()
    assert refused.attributes is not None
    assert refused.attributes["error.type"] == "rate_limited"
    assert answered.name == "chat small"
    assert answered.attributes is not None
    assert answered.attributes["gen_ai.response.model"] == "small"
    assert answered.attributes["gen_ai.usage.output_tokens"] == 2
    told = sums(reader)
    assert told["coursewright.llm.rate_limited"] == 1
    assert told["coursewright.llm.stored_answers"] == 1
    assert told["gen_ai.client.token.usage"] == 7
    assert told["coursewright.llm.cost"] == pytest.approx(9e-6)
    everything = " ".join(span.to_json() for span in (refused, answered))
    assert "honey" not in everything
    assert "bees" not in everything
