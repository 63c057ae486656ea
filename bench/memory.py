"""The memory of everything that works for one command: its processes, its readers, its embedded Postgres."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

_SECONDS_BETWEEN_LOOKS = 0.1


def _family(pid: int) -> Iterator[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        yield parent
        yield from parent.children(recursive=True)
    except psutil.Error:
        return


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / (1 << 20)
    except psutil.Error:  # it has ended
        return 0


class Watched:
    """Looks at a command while it runs in `folder`: `peak` is the largest sum so far, in MB.

    A page of memory that several processes share counts once (proportional set size, Linux's smaps_rollup).
    """

    def __init__(self, pid: int, folder: Path) -> None:
        self.peak = 0.0
        self._pid = pid
        self._server = folder / ".coursewright" / "postgres" / "postmaster.pid"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            processes = {*_family(self._pid), *(found for pid in self._postmaster() for found in _family(pid))}
            self.peak = max(self.peak, sum(map(_megabytes, processes)))

    def _postmaster(self) -> Iterator[int]:
        try:
            yield int(self._server.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return  # not started yet, or a server elsewhere


__all__ = ["Watched"]
