"""Places where a fault test kills the process: off by default, and then one comparison with None.

`COURSEWRIGHT_FAILPOINT=name` makes the process kill itself, as by kill -9, when it first comes to that place;
`name:3` at the third time.
"""

import os
import signal

NAMES = (
    "begun",  # reserved and on record, nothing sent
    "in_flight",  # the request has left (hit by providers of tests)
    "replied",  # the reply is in memory only
    "recorded",  # the reply is on disk, nobody has looked at it
    "judged",  # the verdict is on disk
    "submitted",  # the id of a background reply or batch is in memory only
    "identified",  # that id is on disk
    "fetched",  # a background reply is in memory only
    "failed",  # the provider refused, nothing is on record of it
)


def _armed() -> tuple[str, int] | None:
    name, _, count = os.environ.get("COURSEWRIGHT_FAILPOINT", "").partition(":")
    return (name, int(count or 1)) if name else None


_failpoint = _armed()


def hit(name: str) -> None:
    """Kill this process if the failpoint is armed and its count is reached."""
    global _failpoint
    if _failpoint is None or _failpoint[0] != name:
        return
    _failpoint = (name, _failpoint[1] - 1)
    if _failpoint[1] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


__all__ = ["NAMES", "hit"]
