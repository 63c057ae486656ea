"""Functions carried out in subprocesses: what comes back, what is raised, what is killed."""

import asyncio
import math
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from coursewright.apart import Apart
from coursewright.errors import InvalidRequest, SubprocessDied
from coursewright.generation.authors.extractive.catalogue import catalogue


@pytest.fixture
async def apart() -> AsyncIterator[Apart]:
    opened = Apart(2)
    yield opened
    await opened.aclose()


async def test_a_result_comes_back_from_another_process(apart: Apart) -> None:
    assert await apart.run(math.isqrt, 10**40) == 10**20
    assert await apart.run(os.getpid) != os.getpid()
    assert await apart.run(sorted, "cab", reverse=True) == ["c", "b", "a"]


async def test_a_subprocess_is_used_again(apart: Apart) -> None:
    assert await apart.run(os.getpid) == await apart.run(os.getpid)


async def test_as_many_as_there_is_room_for_work_at_once(apart: Apart) -> None:
    pids = await asyncio.gather(*(apart.run(os.getpid) for _ in range(6)))
    assert len(set(pids)) == 2


async def test_an_error_is_raised_here_with_all_that_it_says(apart: Apart) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await apart.run(catalogue, "tlh")
    with pytest.raises(InvalidRequest) as here:
        catalogue("tlh")
    assert (raised.value.detail, raised.value.hint) == (here.value.detail, here.value.hint)
    assert "in catalogue" in raised.value.__notes__[0]  # where it happened


async def test_what_is_cancelled_is_killed_and_the_next_gets_another_process(apart: Apart) -> None:
    pid = await apart.run(os.getpid)
    endless = asyncio.create_task(apart.run(sum, range(10**18)))
    await asyncio.sleep(0)
    endless.cancel()
    with pytest.raises(asyncio.CancelledError):
        await endless
    assert await apart.run(os.getpid) != pid


async def test_a_subprocess_that_dies_says_so(apart: Apart) -> None:
    with pytest.raises(SubprocessDied, match="SIGKILL"):
        await apart.run(signal.raise_signal, signal.SIGKILL)
    with pytest.raises(SubprocessDied, match="exit code 3"):
        await apart.run(os._exit, 3)
    assert await apart.run(math.isqrt, 9) == 3


async def test_what_a_library_prints_harms_nothing(apart: Apart) -> None:
    await apart.run(print, "hello")
    await apart.run(os.write, 1, b"hello")
    assert await apart.run(math.isqrt, 9) == 3


async def test_a_termination_of_all_processes_of_a_service_lets_it_finish(apart: Apart) -> None:
    await apart.run(signal.raise_signal, signal.SIGTERM)
    assert await apart.run(math.isqrt, 9) == 3


async def test_a_subprocess_knows_no_secrets(apart: Apart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    assert await apart.run(os.getenv, "OPENAI_API_KEY") is None
    assert await apart.run(os.getenv, "DATABASE_URL") is None
    assert await apart.run(os.getenv, "PATH") == os.environ["PATH"]


async def test_what_cannot_be_sent_back_is_an_error(apart: Apart) -> None:
    with pytest.raises(RuntimeError, match="cannot be sent"):
        await apart.run(sys._getframe)
