"""A worker process for the fault tests: `python worker_program.py URL NAME DELAY LEASE` (in seconds).

Its job makes `n` tasks of the kinds that the job's data names, with a deadline where the data has one for the kind.
Every execution that gets through to its end is noted in the table `executions`, in a transaction of its own, before the
completion. A step of the kind `gated` waits until there is a table `gate`; a `computing` one computes for ever.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from typing import Any

import psycopg

from coursewright.apart import Apart
from coursewright.db.pool import connect_sync, open_pool
from coursewright.doorbells.bullmq import BullDoorbell
from coursewright.queue import Done, Lease, Outcome, TaskSpec, Worker
from coursewright.queue.leases import Leases
from coursewright.settings import DatabaseSettings, WorkerSettings

FIRST = {"generate_course_v2": (TaskSpec("plan", "outline_generation", decisive=True),)}


async def main(url: str, name: str, delay: float, lease_seconds: float, redis: str) -> None:
    apart = Apart()
    async with open_pool(url, DatabaseSettings()) as pool, contextlib.aclosing(apart):

        async def gate() -> None:
            while True:
                async with pool.connection() as connection:
                    if (await (await connection.execute("select to_regclass('gate')")).fetchone()) != (None,):
                        return
                await asyncio.sleep(0.02)

        async def step(lease: Lease) -> Outcome:
            if lease.identifier == "plan":
                kinds: list[str] = lease.request["kinds"]
                tasks = tuple(
                    TaskSpec(f"{kind}-{n}", kind, deadline_seconds=lease.request.get("deadlines", {}).get(kind, 900))
                    for n, kind in enumerate(kinds)
                )
                last = TaskSpec("end", "end", tuple(task.identifier for task in tasks), needs="settled", decisive=True)
                return Done({}, tasks=(*tasks, last))
            if lease.type == "deadly":
                os.kill(os.getpid(), signal.SIGKILL)
            if lease.type == "endless":
                await asyncio.Event().wait()
            if lease.type == "computing":
                await apart.run(sum, range(10**18))
            if lease.type == "gated":
                await gate()
            await asyncio.sleep(delay)
            async with pool.connection() as connection:
                await connection.execute(
                    "insert into executions values (%s, %s, %s)", (lease.task_id, lease.attempt, name)
                )
            filler = secrets.token_hex(200_000) if lease.type == "bulky" else ""
            return Done({"by": name, "filler": filler})

        def connect() -> psycopg.Connection[Any]:
            return connect_sync(url)

        settings = WorkerSettings(
            concurrency=8,
            lease_seconds=lease_seconds,
            heartbeat_seconds=lease_seconds / 5,
            control_seconds=0.1,
            max_rescues=4,
            grace_seconds=1,
        )
        # With a bell it looks by itself only once in an hour.
        ringing = {"listen": BullDoorbell(redis).listen, "poll_interval": 3600.0} if redis else {"poll_interval": 0.2}
        worker = Worker(Leases(pool, FIRST), step, connect, settings, name=name, **ringing)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), sys.argv[5]))
