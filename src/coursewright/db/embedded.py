"""An embedded Postgres in a data folder: started for the first user, shared by all, stopped after the last.

The locks and the guardian that stops the server are described in `guardian.py`.
"""

import asyncio
import contextlib
import fcntl
import os
import pwd
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

from psycopg.pq import PGconn, Ping

from coursewright.db import cluster, guardian
from coursewright.errors import DatabaseUnavailable, OutputError

_START_SECONDS = 120  # recovery after a power cut may take a while
_DYING_SECONDS = 15.0


@contextlib.asynccontextmanager
async def embedded_postgres(data_dir: Path) -> AsyncIterator[str]:
    """Keep Postgres running in `data_dir` and yield its URL.

    Any number of processes may use one folder at once. On leaving, the server is not waited for: the guardian stops it
    when no user is left, after kill -9 too. Raises OutputError, DatabaseUnavailable, MigrationError (data of another
    major version).
    """
    with contextlib.ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, running_server(data_dir))


@contextlib.contextmanager
def running_server(data_dir: Path) -> Iterator[str]:
    """Do the same without an event loop (blocking); see `embedded_postgres`."""
    folder = _make_folder(data_dir)
    with contextlib.ExitStack() as stack:
        users = _open(stack, folder, "users.lock")
        with contextlib.ExitStack() as starting:
            fcntl.flock(_open(starting, folder, "start.lock"), fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            url = _start(folder)
            _ensure_guardian(folder)
        yield url


def _make_folder(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        folder = data_dir.resolve()
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise OutputError(
            f"The data folder {data_dir} cannot be made: {error.strerror}.",
            hint="Choose another --data-dir, or set DATABASE_URL to a Postgres.",
        ) from error
    return folder


def _open(stack: contextlib.ExitStack, folder: Path, name: str) -> int:
    try:
        descriptor = guardian.open_lock(folder, name)
    except OSError as error:
        raise OutputError(
            f"{folder / name} cannot be opened: {error.strerror}.",
            hint="The data folder may belong to another user (was it made by root?): give it to this one with chown, "
            "or choose another --data-dir.",
        ) from error
    stack.callback(os.close, descriptor)
    return descriptor


def _start(folder: Path) -> str:
    """Return the URL of the running server, starting it first where needed. Holds start.lock."""
    cluster.check_version(folder)
    if guardian.server_is_up(folder):
        if url := _url(folder):
            _wait_until_it_recovered(url)
            return url
        # The server was killed, but not its children: they notice, and end.
        if not guardian.wait_until_down(folder, _DYING_SECONDS):
            raise DatabaseUnavailable(
                "Processes of a Postgres that was killed are still alive.", hint=f"End those that use {folder}."
            )
    try:
        user = cluster.account(folder)
        if user:
            cluster.let_in(folder / "postgres")
            cluster.let_run(cluster.binaries())
        cluster.create(folder, user)
        sockets = cluster.configure(folder, user)
        _launch(folder, sockets, user)
    except OSError as error:
        raise cluster.failure(str(error)) from error
    url = _url(folder)
    if url is None:
        raise cluster.failure(_last_log(folder))
    return url


def _wait_until_it_recovered(url: str) -> None:
    """Wait while the server lives and lets nobody in: one of its processes has crashed, on a full disk for instance."""
    deadline = time.monotonic() + _START_SECONDS
    while PGconn.ping(url.encode()) == Ping.REJECT and time.monotonic() < deadline:
        time.sleep(0.05)


def _launch(folder: Path, sockets: Path, user: pwd.struct_passwd | None) -> None:
    log = folder / "postgres.log"
    log.touch()
    if user:
        os.chown(log, user.pw_uid, user.pw_gid)
    # Relative paths: pg_ctl hands them to a shell, and the folder's name may hold anything.
    command = [str(cluster.binaries() / "pg_ctl"), "start", "-D", "postgres", "-l", log.name, "-w"]
    command += ["-t", str(_START_SECONDS)]
    with contextlib.ExitStack() as stack:
        server = _open(stack, folder, "server.lock")
        fcntl.flock(server, fcntl.LOCK_EX)
        # After a crash or a reboot the number in these files may be that of a foreign process or of a zombie, and
        # Postgres would refuse to start. Nobody held server.lock, so no server of ours lives.
        for stale in (folder / "postgres" / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        before = log.stat().st_size
        try:
            cluster.run(command, folder, user, keep=server)
        except DatabaseUnavailable as error:
            raise cluster.failure(log.read_bytes()[before:].decode(errors="replace") or error.detail) from error


def _last_log(folder: Path) -> str:
    return "\n".join((folder / "postgres.log").read_text(errors="replace").splitlines()[-20:])


def _url(folder: Path) -> str | None:
    """Return the URL of the server that runs in `folder`, or None when its postmaster is dead or not ready."""
    try:
        lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
        port, sockets, status = lines[3].strip(), lines[4].strip(), lines[7].strip()
        # The file outlives a postmaster that was killed, and so does its process number until somebody reaps it.
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{sockets}/.s.PGSQL.{port}")
    except (OSError, IndexError):
        return None
    if status != "ready":
        return None
    return f"postgresql://{cluster.SUPERUSER}@/postgres?host={quote(sockets, safe='')}"


def _ensure_guardian(folder: Path) -> None:
    """Start a guardian unless one lives. Its lock is taken here and inherited, so there are never two."""
    with contextlib.ExitStack() as stack:
        lock = _open(stack, folder, "guardian.lock")
        if not guardian.try_exclusive(lock):
            return
        program = [sys.executable, "-I", "-S", guardian.__file__, str(folder), str(lock)]
        subprocess.run(
            program,
            pass_fds=(lock,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


__all__ = ["embedded_postgres", "running_server"]
