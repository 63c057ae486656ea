"""Spans and metrics of calls by OpenTelemetry's API (extra `telemetry`); without it, nothing happens at no cost.

Names are those of the semantic conventions for generative AI. No text of a prompt or a reply ever goes into them.
"""

import contextlib
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from coursewright.errors import CoursewrightError, RateLimited
from coursewright.llm.model import Reply, Request

trace: Any = None
metrics: Any = None
with contextlib.suppress(ImportError):  # without the extra
    from opentelemetry import metrics, trace

_NAME = "coursewright.llm"


class Telemetry:
    """Tells an OpenTelemetry SDK, where the program that embeds this has set one up. Providers: for tests."""

    def __init__(self, tracer_provider: Any = None, meter_provider: Any = None) -> None:
        self._tracer: Any = None
        if trace is None:
            return
        self._tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        meter: Any = metrics.get_meter(_NAME, meter_provider=meter_provider)
        self._duration = meter.create_histogram("gen_ai.client.operation.duration", unit="s")
        self._tokens = meter.create_histogram("gen_ai.client.token.usage", unit="{token}")
        self._dollars = meter.create_counter("coursewright.llm.cost", unit="{dollar}")
        self._refused = meter.create_counter("coursewright.llm.rate_limited", unit="{request}")
        self._stored = meter.create_counter("coursewright.llm.stored_answers", unit="{call}")
        self._closed = meter.create_counter("coursewright.llm.breaker_refusals", unit="{call}")

    @contextlib.contextmanager
    def asking(self, request: Request, call: UUID, mode: str) -> Iterator["Asking"]:
        """Span one request to a provider; an error that leaves is noted."""
        if self._tracer is None:
            yield Asking(None, self, {})
            return
        common = _about(request.model, mode)
        began = time.monotonic()
        with self._tracer.start_as_current_span(
            f"chat {request.model_name}", kind=trace.SpanKind.CLIENT, record_exception=False
        ) as span:
            span.set_attributes(common)
            span.set_attribute("gen_ai.request.max_tokens", request.max_output_tokens)
            span.set_attribute("gen_ai.output.type", "text" if request.schema is None else "json")
            span.set_attribute("coursewright.call.id", str(call))
            for name in ("temperature", "seed"):
                if getattr(request, name) is not None:
                    span.set_attribute(f"gen_ai.request.{name}", getattr(request, name))
            failed = {}
            try:
                yield Asking(span, self, common)
            except BaseException as error:
                code = error.code if isinstance(error, CoursewrightError) else type(error).__name__
                failed = {"error.type": code}
                span.set_attributes(failed)
                if isinstance(error, RateLimited):
                    self._refused.add(1, common)
                raise
            finally:
                if failed or mode != "background":  # that one is only taken now; `fetched` tells of its reply
                    self._duration.record(time.monotonic() - began, common | failed)

    def fetched(self, model: str, mode: str, reply: Reply, cost: Decimal | None, seconds: float) -> None:
        """Count a reply that was made in the background or in a batch, so long after it was asked for."""
        if self._tracer is not None:
            common = _about(model, mode)
            self._duration.record(seconds, common)
            self.replied(common, reply, cost)

    def stored(self, model: str, level: str) -> None:
        """Count an answer that was found instead of asked for: in the `first` level or in the `database`."""
        if self._tracer is not None:
            about = {"gen_ai.request.model": model.partition(":")[2], "coursewright.cache.level": level}
            self._stored.add(1, about)

    def breaker_refused(self, model: str) -> None:
        """Count a call that was not made because its model fails too often."""
        if self._tracer is not None:
            self._closed.add(1, {"gen_ai.request.model": model.partition(":")[2]})

    def replied(self, common: dict[str, str], reply: Reply, cost: Decimal | None) -> None:
        """Count tokens and money."""
        about = common | {"gen_ai.response.model": reply.model}
        self._tokens.record(reply.usage.input, about | {"gen_ai.token.type": "input"})
        self._tokens.record(reply.usage.output, about | {"gen_ai.token.type": "output"})
        if cost is not None:
            self._dollars.add(float(cost), about)


def _about(model: str, mode: str) -> dict[str, str]:
    provider, _, name = model.partition(":")
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": name,
        "coursewright.call.mode": mode,
    }


class Asking:
    """The span of one request."""

    def __init__(self, span: Any, telemetry: Telemetry, common: dict[str, str]) -> None:
        self._span = span
        self._telemetry = telemetry
        self._common = common

    def replied(self, reply: Reply, cost: Decimal | None) -> None:
        """Note what came back."""
        if self._span is None:
            return
        self._span.set_attributes(
            {
                "gen_ai.response.model": reply.model,
                "gen_ai.response.finish_reasons": [str(reply.finish)],
                "gen_ai.usage.input_tokens": reply.usage.input,
                "gen_ai.usage.output_tokens": reply.usage.output,
                "gen_ai.usage.cache_read.input_tokens": reply.usage.cached,
            }
        )
        if reply.provider_id:
            self._span.set_attribute("gen_ai.response.id", reply.provider_id)
        self._telemetry.replied(self._common, reply, cost)


__all__ = ["Asking", "Telemetry"]
