"""Prometheus: what this process has answered, and, read at each scrape, what all processes have done and have to do.

What comes from the database is the same on every instance that is scraped: take `max` over them, not `sum`.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from coursewright import __version__
from coursewright.operations import Count, Measure

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which nobody reads

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# name: kind, meaning, labels
_OF_DATABASE: dict[str, tuple[Literal["gauge", "counter", "histogram"], str, tuple[str, ...]]] = {
    "jobs": ("gauge", "Jobs that have not ended.", ("status",)),
    "jobs_needing_action": ("gauge", "Paused jobs that wait for somebody to do something.", ()),
    "jobs_ended_total": ("counter", "Jobs that came to an end.", ("status",)),
    "queue_age_seconds": ("gauge", "How long the oldest entry that may be admitted has waited.", ()),
    "tasks": ("gauge", "Tasks of jobs under execution.", ("kind", "status")),
    "task_wait_seconds": ("gauge", "How long the oldest ready task has waited for a worker.", ()),
    "task_attempt_seconds": ("histogram", "Attempts at tasks, by how they ended.", ("kind", "outcome")),
    "leases": ("gauge", "Leases on tasks.", ("state",)),
    "workers": ("gauge", "Workers at work, in whatever process.", ()),
    "ticks_running": ("gauge", "Ticks at work.", ()),
    "ticks_total": ("counter", "Ticks; those that began and did not end were killed.", ("state",)),
    "tick_tasks_total": ("counter", "Tasks that ticks completed, or cut off.", ("outcome",)),
    "doorbell_rings_total": ("counter", "Doorbells rung, heard, or out of order.", ("bell", "outcome")),
    "unread_documents": ("gauge", "Documents that wait to be read, or are being read.", ("status",)),
    "unread_documents_age_seconds": ("gauge", "How long the oldest of them has waited.", ()),
    "documents_read_total": ("counter", "Documents that were read, or could not be.", ("status",)),
    "model_breaker_state": ("gauge", "1 for the state that a model's breaker is in.", ("model", "state")),
    "model_calls_in_flight": ("gauge", "Requests to a model whose reply is not known.", ("model",)),
    "model_calls_waiting": ("gauge", "Calls that wait in the line before a model's limit.", ("model",)),
    "model_call_seconds": ("histogram", "Requests to a model, by how they ended.", ("model", "outcome")),
    "model_tokens_total": ("counter", "Tokens of settled requests; cached are part of input.", ("model", "kind")),
    "model_cost_dollars_total": ("counter", "Dollars of settled requests.", ("model",)),
    "stored_answers_total": ("counter", "Answers that were found instead of asked for.", ("model",)),
    "budget_use_ratio": ("gauge", "Spent and reserved of the cap, of whoever is nearest to it.", ("scope",)),
    "scrapes_total": ("counter", "Scrapes; each writes, to see whether the database takes it.", ()),
    "database_writable": ("gauge", "Whether the database took what this scrape wrote.", ()),
    "disk_free_bytes": ("gauge", "Room where the embedded database is; without one, nothing is told.", ()),
}


class Metrics:
    """The measures of one application; a registry of its own, so that two in a process do not mix."""

    content_type = CONTENT_TYPE_PLAIN_1_0_0

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "coursewright_http_request_seconds",
            "Time to answer a request.",
            ["method", "route"],
            registry=self._registry,
            buckets=_BUCKETS,
        )
        self._answers = Counter(
            "coursewright_http_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._limits = Counter(
            "coursewright_limits_reached", "Requests refused because a limit was reached.", registry=self._registry
        )
        Gauge("coursewright_info", "Which program this is.", ["version"], registry=self._registry).labels(
            __version__
        ).set(1)
        ProcessCollector(registry=self._registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._seconds.labels(method, route).observe(seconds)
        self._answers.labels(method, route, str(status)).inc()
        if status == 429:
            self._limits.inc()

    def text(self, measures: Sequence[Measure], counts: Sequence[Count]) -> bytes:
        """Return the exposition: this process's measures, then those of the database."""
        database = CollectorRegistry(auto_describe=False)
        database.register(_Database(measures, counts))
        return generate_latest(self._registry) + generate_latest(database)


class _Database(Collector):
    """What the database tells, as families of metrics; one without samples is named all the same."""

    def __init__(self, measures: Sequence[Measure], counts: Sequence[Count]) -> None:
        self._measures = measures
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        for name, (kind, meaning, labels) in _OF_DATABASE.items():
            full = f"coursewright_{name}"
            if kind == "gauge":
                gauge = GaugeMetricFamily(full, meaning, labels=labels)
                for measure in self._measures:
                    if measure.name == name:
                        gauge.add_metric(measure.labels, measure.value)
                yield gauge
            elif kind == "counter":
                counter = CounterMetricFamily(full, meaning, labels=labels)
                for count in self._counts:
                    if count.name == name:
                        counter.add_metric(count.labels, count.total)
                yield counter
            else:
                yield self._histogram(name, HistogramMetricFamily(full, meaning, labels=labels))

    def _histogram(self, name: str, histogram: HistogramMetricFamily) -> HistogramMetricFamily:
        series: dict[tuple[str, ...], list[Count]] = {}
        for count in self._counts:
            if count.name == name:
                series.setdefault(tuple(count.labels), []).append(count)
        for labels, counts in series.items():
            bounds = [*(str(float(bound)) for bound in counts[0].bounds), "+Inf"]
            buckets = [
                (bound, float(sum(each.n for each in counts if each.bucket <= place)))
                for place, bound in enumerate(bounds)
            ]
            histogram.add_metric(labels, buckets, sum(each.total for each in counts))
        return histogram


__all__ = ["Metrics"]
