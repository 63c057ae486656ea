"""Traces by OpenTelemetry (extra `telemetry`), from a request to the tasks of the job that it asked for.

FastAPI spans the requests. A job keeps the `traceparent` (W3C Trace Context) of its request; whichever process carries
out a task of it, the span of the task continues that trace. A job that no request asked for gives its own id to the
trace. Without the extra, or without a configured endpoint, nothing happens at no cost.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from coursewright import __version__
from coursewright.errors import ConfigurationError

trace: Any = None
with contextlib.suppress(ImportError):  # without the extra
    from opentelemetry import trace

_NAME = "coursewright"
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def export_traces() -> None:
    """Send spans where OpenTelemetry's own variables say (OTLP over HTTP); nowhere by default.

    Raises ConfigurationError when an endpoint is configured and the extra is missing.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            "An endpoint for traces is configured, and OpenTelemetry is not installed.",
            hint="pip install 'coursewright[telemetry]', or unset OTEL_EXPORTER_OTLP_ENDPOINT.",
        ) from error
    about = {"service.name": os.environ.get("OTEL_SERVICE_NAME", _NAME), "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(_without_queries())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _without_queries() -> Any:
    """Return a processor that takes the query out of a request's span: it may be a question about a document."""
    from opentelemetry.sdk.trace import SpanProcessor

    class WithoutQueries(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            """Blot out the query."""
            if (span.attributes or {}).get("url.query"):
                span.set_attribute("url.query", "***")

    return WithoutQueries()


def current_traceparent() -> str | None:
    """Return the span at work in the form of the header `traceparent`; None when there is none."""
    if trace is None:
        return None
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


@contextlib.contextmanager
def task_span(kind: str, job_id: UUID, traceparent: str | None, attributes: Mapping[str, str | int]) -> Iterator[Any]:
    """Span an attempt at a task, as part of its job's trace; None without OpenTelemetry."""
    if trace is None:
        yield None
        return
    tracer = trace.get_tracer(_NAME, __version__)
    parent = _context(traceparent) or _context(f"00-{job_id.int:032x}-{job_id.int & (1 << 64) - 1:016x}-01")
    with tracer.start_as_current_span(
        kind, context=parent, kind=trace.SpanKind.CONSUMER, record_exception=False, set_status_on_exception=False
    ) as span:
        span.set_attributes({f"coursewright.{name}": value for name, value in attributes.items()})
        yield span


def ended(span: Any, outcome: str, error: str | None) -> None:
    """Note what became of an attempt; `error` is the category of a failure, never its message."""
    if span is not None:
        span.set_attribute("coursewright.outcome", outcome)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(trace.StatusCode.ERROR)


def _context(traceparent: object) -> Any:
    """Return the context of a traceparent; None when there is none, or it is not one (others write it, too)."""
    if not isinstance(traceparent, str):
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    return context if trace.get_current_span(context).get_span_context().is_valid else None


__all__ = ["current_traceparent", "ended", "export_traces", "task_span"]
