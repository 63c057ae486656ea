"""A Postgres that is killed, restarted or full under load: workers wait for it and go on where they were."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from coursewright.db.embedded import running_server
from coursewright.db.migrate import migrate
from coursewright.queue import JobStatus
from tests.faults.conftest import HANG, fault_on, worker_processes

pytestmark = pytest.mark.faults
LEASE = 5.0  # seconds: what was claimed when the server went waits so long


@pytest.mark.parametrize("tasks", [240, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_postgres_restarted_under_load_costs_nothing(tmp_path: Path, tasks: int) -> None:
    folder = tmp_path / "data"
    with running_server(folder) as url, worker_processes(url) as start:
        await migrate(url)
        async with fault_on(url) as fault:
            job_id = await fault.enqueue(["quick"] * tasks)
        for n in range(3):
            start(f"w{n}", 0.01, LEASE)
        for share, how in ((0.2, signal.SIGKILL), (0.4, signal.SIGINT), (0.6, signal.SIGQUIT)):
            async with fault_on(url) as fault:
                done = "select completed_tasks > %s from course_generation_jobs where id = %s"
                await fault.until(done, share * tasks, job_id)
            _stop(folder, how)
            with running_server(folder) as again:  # one that is stopped and not down yet is waited for
                assert again == url
        async with fault_on(url) as fault:
            job = await fault.end(job_id)
            assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, tasks + 2, 0)
            # What was done twice was done again because its completion was lost, and was completed once.
            assert await fault.ask("select count(distinct task_id) from executions") == tasks + 1
            assert (
                await fault.ask(
                    "select count(*) from coursewright.events where job_id = %s and kind = 'task_completed'", job_id
                )
                == tasks + 2
            )


def _stop(folder: Path, how: signal.Signals) -> None:
    """End the server's first process, and wait until it is gone."""
    pid = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, how)
    deadline = time.monotonic() + HANG
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the server does not stop"
        time.sleep(0.02)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_disk_stops_the_work_and_loses_nothing(small_disk: Path) -> None:
    folder, ballast = small_disk / "data", small_disk / "ballast"
    with running_server(folder) as url, worker_processes(url) as start:
        await migrate(url)
        async with fault_on(url) as fault:
            job_id = await fault.enqueue(["bulky"] * 150)
            start("w", 0.01, LEASE)
            await fault.until("select completed_tasks > 10 from course_generation_jobs where id = %s", job_id)
            with ballast.open("wb") as file:  # all that is free
                try:
                    while True:
                        file.write(b"x" * (1 << 20))
                        file.flush()
                except OSError:
                    pass
        with pytest.raises(psycopg.Error):  # the disk is full indeed
            await _write_until_it_fails(url)
        ballast.unlink()
        with running_server(folder) as again:  # it may have stopped: the next run starts it
            async with fault_on(again) as fault:
                job = await fault.end(job_id)
                assert (job.status, job.completed_tasks, job.failed_tasks) == (JobStatus.COMPLETED, 152, 0)


async def _write_until_it_fails(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        for _ in range(1000):
            await connection.execute("create table if not exists filler (x text)")
            await connection.execute(
                "insert into filler select string_agg(md5(random()::text), '') from generate_series(1, 40000)"
            )
    raise AssertionError("the disk is not full")
