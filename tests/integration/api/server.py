"""`coursewright serve` as a real process on loopback."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path


@contextlib.contextmanager
def serving(
    database_url: str, folder: Path, *options: str, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield the server's address; afterwards it is told to stop, and must do so by itself and without an error."""
    command = [sys.executable, "-m", "coursewright", "serve", "--port", "0", *options]
    variables = {**os.environ, "DATABASE_URL": database_url, **(environment or {})}
    log = folder / "serve.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(command, cwd=folder, env=variables, stderr=stderr)
    try:
        yield _address(process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    told = log.read_text()
    assert process.returncode == 0, told[-3000:]
    errors = [line[:2000] for line in told.splitlines() if '"level": "error"' in line]
    assert not errors, "\n".join(errors[:5])


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        if match := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            return match[0]
    raise AssertionError(log.read_text())


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


__all__ = ["free_port", "serving"]
