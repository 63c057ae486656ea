"""Through PgBouncer in transaction mode: any statement may meet another server connection, NOTIFY reaches nobody."""

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from coursewright.app import Coursewright
from coursewright.db.migrate import migrate
from coursewright.db.pool import open_pool
from coursewright.doorbells.notify import NotifyDoorbell
from coursewright.settings import DatabaseSettings, Settings

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
HANDBOOK = Path(__file__).parents[3] / "examples" / "knowledge-base"
OURS, BASE = UUID(int=0xA), uuid4()

pytestmark = pytest.mark.skipif(not Path(PROGRAM).exists(), reason="PgBouncer is not installed (package pgbouncer)")


@pytest.fixture
def pooled(database_url: str) -> Iterator[str]:
    """URL of the database through PgBouncer, which has two connections to the server for all clients."""
    server = conninfo_to_dict(database_url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
        f"auth_file = {folder / 'users'}\npool_mode = transaction\ndefault_pool_size = 2\nserver_check_delay = 0\n"
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


async def test_a_course_is_made_through_the_pooler(pooled: str) -> None:
    """Migrations, intake, submission, admission, leases, heartbeat and completion, with a tick and with a worker."""
    assert await migrate(pooled) == []
    settings = Settings.model_validate(
        {
            "DATABASE_URL": pooled,
            "documents": {"readers": 1},
            "POLL_INTERVAL": 0.1,
            "worker": {"heartbeat_seconds": 0.2},
        }
    )
    async with open_pool(pooled, DatabaseSettings()) as pool:
        program = Coursewright(settings, pooled, pool)
        library = program.organisation(OURS).library
        for name in ("01-the-colony.md", "05-inspections.md", "11-glossary.html"):
            await library.add(BASE, name, (HANDBOOK / name).read_bytes())
        await program.intake.drain()
        jobs = [
            await program.jobs.enqueue("generate_course_v2", {"title": title}, organisation_id=OURS, base_class_id=BASE)
            for title in ("By a worker", "By ticks")
        ]
        assert (await program.finish(jobs[0])).status == "completed"
        for _ in range(10):
            if (await program.tick(30, ring=False)).remaining == 0:
                break
        job = await program.jobs.get(jobs[1])
        assert (job.status, job.error_message) == ("completed", None)
        assert all(check.passed for check in await program.operations.checks())


async def test_nobody_listens_through_a_pooler(pooled: str, database_url: str) -> None:
    """LISTEN would stay on a server connection, and its bells would come between another client and its answer."""
    rung = asyncio.Event()
    async with asyncio.timeout(30):
        await NotifyDoorbell(pooled, DatabaseSettings()).listen(rung.set)
    assert not rung.is_set()
    direct = asyncio.create_task(NotifyDoorbell(database_url, DatabaseSettings()).listen(rung.set))
    async with asyncio.timeout(30):
        await rung.wait()  # it rings once when it begins to listen
    direct.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await direct
