"""Independent calls of one task, a few at a time: what one of them cannot do takes nothing away from the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from coursewright.llm.model import Deferred

T = TypeVar("T")

AT_ONCE = 4  # the gateway knows better what a provider takes; this bounds what waits for it


async def side_by_side(works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return what all works return, in their order.

    A call that has to wait lets the others get on: they need not be begun when the step runs again. Then the shortest
    wait is raised. Any other error is raised as it is, once those begun have ended, because they are paid for.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    results: dict[int, T] = {}
    waits: list[Deferred] = []
    errors: list[Exception] = []

    async def carry_out(place: int, work: Callable[[], Awaitable[T]]) -> None:
        async with gate:
            if errors:
                return
            try:
                results[place] = await work()
            except Deferred as wait:
                waits.append(wait)
            except Exception as error:
                errors.append(error)

    async with asyncio.TaskGroup() as group:
        for place, work in enumerate(works):
            group.create_task(carry_out(place, work))
    if errors:
        raise errors[0]
    if waits:
        raise min(waits, key=lambda wait: wait.seconds)
    return [results[place] for place in range(len(works))]


__all__ = ["AT_ONCE", "side_by_side"]
