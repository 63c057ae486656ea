"""Keeps leases alive from a thread and a connection of its own, so that a blocked event loop loses nothing."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, Self
from uuid import UUID

import psycopg

from coursewright.db.queries import sql

_log = logging.getLogger(__name__)

Reason = Literal["lost", "cancelled"]


class Heartbeat:
    """Renew leases every `interval` seconds and look every `control` seconds for lost leases and cancelled jobs.

    `on_stop(task_id, reason)` is called from the thread, once a lease.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        *,
        lease: float,
        interval: float,
        control: float,
        on_stop: Callable[[UUID, Reason], None],
        patience: float = 10.0,
    ) -> None:
        self._connect = connect
        self._lease = lease
        self._interval = interval
        self._control = control
        self._on_stop = on_stop
        self._patience = patience
        self._held: dict[UUID, int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coursewright-heartbeat", daemon=True)

    def add(self, task_id: UUID, attempt: int) -> None:
        """Keep a lease alive from now on."""
        with self._lock:
            self._held[task_id] = attempt

    def remove(self, task_id: UUID, attempt: int) -> None:
        """Stop keeping a lease alive, unless a newer attempt of the same task is held by now."""
        with self._lock:
            if self._held.get(task_id) == attempt:
                del self._held[task_id]

    def beat(self, connection: psycopg.Connection[Any], *, renew: bool) -> None:
        """Renew (or only look at) all held leases once, and report those that ended."""
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        mine: Mapping[str, Any] = {"task_ids": list(held), "attempts": list(held.values()), "lease": self._lease}
        if renew:
            kept = {row[0]: False for row in connection.execute(sql(__package__, "heartbeat"), mine)}
        else:
            kept = {row[0]: bool(row[1]) for row in connection.execute(sql(__package__, "control"), mine)}
        for task_id, attempt in held.items():
            if task_id not in kept or kept[task_id]:
                self.remove(task_id, attempt)
                self._on_stop(task_id, "cancelled" if kept.get(task_id) else "lost")

    def _run(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        next_renewal = time.monotonic()
        while not self._stopping.wait(self._control):
            renew = time.monotonic() >= next_renewal
            try:
                connection = connection or self._connect()
                self.beat(connection, renew=renew)
                if renew:
                    next_renewal = time.monotonic() + self._interval
            except Exception as error:  # whatever it is: the database may come back before the leases expire
                _log.warning("heartbeat failed: %s", error)
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(timeout=self._patience)
