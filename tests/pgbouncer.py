"""PgBouncer in transaction mode before a database: any statement may meet another server connection."""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.integration.api.server import free_port

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
needs_pgbouncer = pytest.mark.skipif(
    not Path(PROGRAM).exists(), reason="PgBouncer is not installed (package pgbouncer)"
)


@contextlib.contextmanager
def pooler(database_url: str, connections: int = 2) -> Iterator[str]:
    """Yield the URL of the database through PgBouncer, which has few connections to the server for all clients."""
    server = conninfo_to_dict(database_url)
    port = free_port()
    folder = Path("/tmp") / f"cw-bouncer-{os.getpid()}-{port}"  # short, and readable by whom PgBouncer becomes
    folder.mkdir(mode=0o755)
    config = folder / "pgbouncer.ini"
    (folder / "users").write_text(f'"{server["user"]}" ""\n')
    # As root it must become somebody else: whoever owns the server's folder, who alone may enter it.
    owner = Path(str(server["host"])).stat().st_uid
    user = f"user = {pwd.getpwuid(owner).pw_name}\n" if os.geteuid() == 0 else ""
    os.chown(folder, owner, -1)
    config.write_text(
        f"[databases]\n{server['dbname']} = user={server['user']} host={server['host']}\n"
        f"[pgbouncer]\n{user}listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"auth_file = {folder / 'users'}\npool_mode = transaction\ndefault_pool_size = {connections}\n"
        "server_check_delay = 0\n"
    )
    process = subprocess.Popen([PROGRAM, "-q", str(config)], stderr=subprocess.PIPE)
    url = f"postgresql://{server['user']}@127.0.0.1:{port}/{server['dbname']}"
    try:
        _wait(process, url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)
        assert process.stderr
        process.stderr.close()
        shutil.rmtree(folder)


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 15
    while process.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
    raise AssertionError(process.stderr.read().decode() if process.stderr else "PgBouncer ended")


__all__ = ["needs_pgbouncer", "pooler"]
