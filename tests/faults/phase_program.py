"""A whole worker that stops at one phase of a job and waits to be ended: `python phase_program.py URL PHASE [HOOK]`.

PHASE is a kind of task, or `none`. Notes in the table `reached` that it is there, and in `steps` each task that it
carries out to its end. HOOK is the address of the application's webhook.
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from coursewright.app import Coursewright
from coursewright.db.pool import open_pool
from coursewright.queue import Lease, Outcome
from coursewright.settings import Settings
from tests.faults.conftest import LONG
from tests.faults.phases import SECRET


async def main(url: str, phase: str, hook: str) -> None:
    settings = Settings.model_validate(
        {
            "DATABASE_URL": url,
            "data_dir": Path("/nonexistent"),
            "worker": {
                "concurrency": 4, "lease_seconds": LONG, "heartbeat_seconds": 5, "control_seconds": 0.1,
                "grace_seconds": 0.3,
            },
            "POLL_INTERVAL": 0.2,
            "documents": {"readers": 1},
            "api": {"url_networks": ["127.0.0.0/8"]},
            "delivery": {"webhook_url": hook, "webhook_secret": SECRET, "networks": ["127.0.0.0/8"]},
        }
    )  # fmt: skip
    async with open_pool(url, settings.database) as pool:
        program = Coursewright(settings, url, pool)
        carry_out = program._step

        async def step(lease: Lease) -> Outcome:
            if lease.type == phase:
                async with pool.connection() as connection:
                    await connection.execute("insert into reached values (%s)", [lease.type])
                await asyncio.Event().wait()
            outcome = await carry_out(lease)
            async with pool.connection() as connection:
                await connection.execute("insert into steps values (%s, %s)", [lease.identifier, lease.attempt])
            return outcome

        program._step = step  # type: ignore[assignment] # where it stops is what is under test
        worker = program.worker()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
        async with contextlib.aclosing(program.apart):
            await program.work(worker)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
