"""Prometheus: what this process has answered, and, read at each scrape, what there is to do in the database."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which nobody reads

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


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

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._seconds.labels(method, route).observe(seconds)
        self._answers.labels(method, route, str(status)).inc()
        if status == 429:
            self._limits.inc()

    def text(self, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """Return the exposition: this process's measures, then those of the database."""
        database = CollectorRegistry()
        gauges = {
            "jobs": Gauge("coursewright_jobs", "Jobs that have not ended.", ["status"], registry=database),
            "queue_age": Gauge(
                "coursewright_queue_age_seconds", "How long the oldest ready entry has waited.", registry=database
            ),
            "ready_entries": Gauge(
                "coursewright_queue_ready_entries", "Queue entries that could begin now.", registry=database
            ),
            "tasks": Gauge("coursewright_tasks", "Tasks of jobs under way.", ["kind", "status"], registry=database),
            "leases": Gauge("coursewright_leases", "Leases on tasks.", ["state"], registry=database),
            "unread_documents": Gauge(
                "coursewright_unread_documents", "Documents waiting to be read.", ["status"], registry=database
            ),
        }
        for row in rows:
            gauge = gauges[row["name"]]
            labels = row["label"].split()
            (gauge.labels(*labels) if labels else gauge).set(row["value"])
        return generate_latest(self._registry) + generate_latest(database)


__all__ = ["Metrics"]
