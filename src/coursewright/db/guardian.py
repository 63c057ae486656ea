"""Stops the embedded Postgres when nobody uses it any more, even if every user was killed.

Runs by path as a program of its own (`python -I -S guardian.py FOLDER LOCK_FD`), with the standard library alone, so
that it starts in milliseconds and holds little memory. The locks in the data folder are kernel locks (flock): they
vanish with the process that holds them.

    start.lock     exclusive: whoever starts or stops the server, for as long as that takes
    users.lock     shared: every user of the server, for life
    guardian.lock  exclusive: the guardian, for life (inherited from the process that started it)
    server.lock    exclusive: held open by every process of the server, so it tells whether one runs

Always taken in this order: start, users, guardian, server.
"""

import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

FAST_STOP_SECONDS = 60.0


def open_lock(folder: Path, name: str) -> int:
    """Open (and create) one of the lock files; return its descriptor."""
    return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_exclusive(descriptor: int) -> bool:
    """Take the lock if nobody holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def server_is_up(folder: Path) -> bool:
    """Tell whether any process of the server lives. Call with start.lock held."""
    server = open_lock(folder, "server.lock")
    try:
        return not try_exclusive(server)
    finally:
        os.close(server)


def wait_until_down(folder: Path, seconds: float) -> bool:
    """Wait until no process of the server lives; tell whether that came true in time."""
    deadline = time.monotonic() + seconds
    while server_is_up(folder):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def stop_server(folder: Path) -> None:
    """Shut the server down: fast (roll back what is open), then immediate when that hangs. Holds start.lock."""
    for sent, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, 10.0)):
        if not server_is_up(folder):
            return
        with contextlib.suppress(OSError, ValueError, IndexError):
            os.kill(int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]), sent)
        if wait_until_down(folder, seconds):
            return


def watch(folder: Path, guardian: int) -> None:
    """Wait until the last user is gone, then stop the server; a user who comes in between keeps it running."""
    start, users = open_lock(folder, "start.lock"), open_lock(folder, "users.lock")
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)  # sleeps here for as long as there are users
        fcntl.flock(users, fcntl.LOCK_UN)  # given back at once: start.lock comes first
        fcntl.flock(start, fcntl.LOCK_EX)
        if try_exclusive(users):
            stop_server(folder)
            # The guardian's lock goes first: who gets start.lock next must see that no guardian is left.
            os.close(guardian)
            return
        fcntl.flock(start, fcntl.LOCK_UN)


def main() -> None:
    """Detach from the process that started us, then watch."""
    folder, guardian = Path(sys.argv[1]), int(sys.argv[2])
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    for sent in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # it ends by itself, after the last user
        signal.signal(sent, signal.SIG_IGN)
    # A deleted folder has no server worth stopping, and its locks are gone with it.
    with contextlib.suppress(FileNotFoundError):
        watch(folder, guardian)


if __name__ == "__main__":
    main()
