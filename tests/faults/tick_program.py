"""The ASGI application on a free port, for the tests that kill by the clock: `python tick_program.py URL LEAST MOST`.

Its author takes between LEAST and MOST seconds for a step (which of them follows from the task's name), and notes each
execution that gets through to its end in the table `executions` before the completion is written.
"""

import asyncio
import contextlib
import os
import random
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn

from coursewright.api.application import create_app
from coursewright.app import Coursewright
from coursewright.db.pool import Pool, open_pool
from coursewright.queue import Done, Lease, Outcome, TaskSpec
from coursewright.settings import Settings

MODULES, LESSONS = 2, 3
SECTIONS = (4, 4, 4, 3, 3, 3)


def course_45() -> tuple[TaskSpec, ...]:
    """Return the 43 tasks that follow the analysis and the outline of the standard example."""
    tasks: list[TaskSpec] = []
    everything: list[str] = []
    for module in range(MODULES):
        for lesson in range(LESSONS):
            name = f"{module}.{lesson}"
            number = SECTIONS[module * LESSONS + lesson]
            sections = tuple(f"section-{name}-{n}" for n in range(1, number + 1))
            tasks += [TaskSpec(each, "lesson_section", priority=50) for each in sections]
            tasks.append(TaskSpec(f"assessment-{name}", "lesson_assessment", sections, 30))
            tasks.append(TaskSpec(f"mindmap-{name}", "lesson_mind_map", sections, 20))
            tasks.append(TaskSpec(f"brainbytes-{name}", "lesson_brainbytes", sections, 20))
            everything += sections
        own = tuple(each for each in everything if each.startswith(f"section-{module}."))
        tasks.append(TaskSpec(f"quiz-{module}", "path_quiz", own, 10, needs="settled"))
    tasks.append(TaskSpec("exam", "class_exam", tuple(everything), 10, needs="settled"))
    last = tuple(task.identifier for task in tasks if task.type != "lesson_section")
    return (*tasks, TaskSpec("content-validation", "content_validation", last, needs="settled", decisive=True))


def program_of(settings: Settings, url: str, pool: Pool, least: float, most: float) -> Coursewright:
    """Return a program with that author: the queue and the ticks are under test, not what is written."""
    program = Coursewright(settings, url, pool)

    async def step(lease: Lease) -> Outcome:
        await asyncio.sleep(random.Random(lease.identifier).uniform(least, most))
        async with pool.connection() as connection:
            await connection.execute(
                "insert into executions values (%s, %s, %s)", (lease.task_id, lease.attempt, str(os.getpid()))
            )
        return Done({}, tasks=course_45() if lease.identifier == "outline" else ())

    program._step = step  # type: ignore[assignment]
    return program


async def main(url: str, least: float, most: float) -> None:
    settings = Settings()
    async with open_pool(url, settings.database) as pool:
        program = program_of(settings, url, pool, least, most)

        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[Coursewright]:
            yield program

        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(settings, opened), log_level="warning", ws="none")
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
