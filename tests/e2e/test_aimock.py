"""Against aimock, a simulator of OpenAI that was not written here, as a process of its own.

It answers Responses from fixtures, and carries out batches of its own accord, over files. It keeps no background
response: whoever comes back for one gets a 404, which is a bad day that a provider can have, too.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from psycopg.rows import dict_row
from pydantic import SecretStr

from coursewright.app import Coursewright, open_coursewright
from coursewright.course.model import Course
from coursewright.course.plan import CourseRequest
from coursewright.db.pool import Pool
from coursewright.llm import Accepted, Deferred, Gateway, Message, Origin, Reply, Request, Verdict
from coursewright.llm.ledger import Ledger
from coursewright.llm.provider import FixedProviders
from coursewright.llm.providers.openai import OpenAI
from coursewright.settings import GatewaySettings, ProviderSettings, Settings
from tests.wire import ROOT, simulator

PROGRAM = ROOT / ".cache/aimock/node_modules/.bin/llmock"
KEY = SecretStr("sk-nobody")
REQUEST = Request("openai:gpt-4o", (Message("user", "What do bees eat?"),), 100)

if not shutil.which("node") or not PROGRAM.exists():
    pytest.skip("aimock is not there: scripts/fetch_aimock.sh fetches it, with npm", allow_module_level=True)


@contextlib.contextmanager
def aimock(fixtures: Path) -> Iterator[str]:
    """Run aimock and yield the address of its API."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    options = ["--port", str(port), "--fixtures", str(fixtures), "--chunk-size", "100000", "--log-level", "silent"]
    process = subprocess.Popen(["node", str(PROGRAM), *options, "--strict"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                break
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def settings(database_url: str, folder: Path, api: str) -> Settings:
    providers = ProviderSettings(openai_key=KEY, openai_base_url=api, model="openai:gpt-5.4-mini")
    return Settings().model_copy(
        update={"database_url": SecretStr(database_url), "data_dir": folder / "data", "providers": providers}
    )


async def make(program: Coursewright, *, refresh: bool = False) -> tuple[UUID, Course]:
    base = await program.read([ROOT / "examples/knowledge-base/03-choosing-a-site.md"])
    job, _ = await program.enqueue(base, CourseRequest(author="llm"), refresh=refresh)
    await program.finish(job)
    return job, (await program.course(job))[0]


async def fixtures(pool: Pool, job: UUID, path: Path) -> int:
    """Write a fixture for each prompt that was answered well."""
    query = """select t.prompt -> 'messages' -> -1 ->> 'text' as asked, t.reply ->> 'text' as answered
                 from coursewright.calls c join coursewright.call_texts t on t.call_id = c.id where c.job_id = %s"""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, (job,))
        rows = await cursor.fetchall()
    write(path, [(row["asked"], row["answered"]) for row in rows])
    return len(rows)


def write(path: Path, answers: Sequence[tuple[str, str]]) -> None:
    """Write fixtures: what the last message holds, and the answer to it."""
    found = [{"match": {"userMessage": asked}, "response": {"content": answer}} for asked, answer in answers]
    path.write_text(json.dumps({"fixtures": found}))


async def test_its_fixtures_make_a_whole_course_that_is_accepted(pool: Pool, database_url: str, tmp_path: Path) -> None:
    with simulator("--good", "--latency", "0.01") as port:
        async with open_coursewright(settings(database_url, tmp_path, f"http://127.0.0.1:{port}/v1")) as program:
            job, first = await make(program)
    written = await fixtures(pool, job, tmp_path / "fixtures.json")
    with aimock(tmp_path / "fixtures.json") as api:
        async with open_coursewright(settings(database_url, tmp_path, api)) as program:
            job, second = await make(program, refresh=True)
    calls = await Ledger(pool).calls(job)
    assert len(calls) == written > 10
    assert {(call.state, call.saved) for call in calls} == {("accepted", False)}
    assert second.modules == first.modules


def accept(reply: Reply) -> Verdict[str]:
    return Accepted(reply.text)


async def test_it_carries_out_a_batch(pool: Pool, tmp_path: Path) -> None:
    write(tmp_path / "fixtures.json", [("bees", "honey")])  # it will not start without any
    await Ledger(pool).allow_storage(UUID(int=1))
    quick = GatewaySettings(wave_seconds=0, batch_poll_seconds=0.01)
    with aimock(tmp_path / "fixtures.json") as api:
        provider = OpenAI(KEY, base_url=api, storage=True)
        async with Gateway(pool, FixedProviders(provider), quick) as gateway:
            tasks = [f"task-{n}" for n in range(3)]
            for task in tasks:
                with pytest.raises(Deferred, match="batch"):
                    await gateway.call(_origin(task, urgency="batch"), REQUEST, accept)
            deadline = time.monotonic() + 60
            while {call.state for call in await Ledger(pool).calls(UUID(int=2))} != {"answered"}:
                await gateway.duties()
                assert time.monotonic() < deadline
            answers = [await gateway.call(_origin(task, urgency="batch"), REQUEST, accept) for task in tasks]
        await provider.aclose()
    assert {answer.value for answer in answers} == {"Mock batch completion"}
    assert {(call.mode, call.sends) for call in await Ledger(pool).calls(UUID(int=2))} == {("batch", 1)}


async def test_a_background_response_that_it_forgets_is_booked_as_perhaps_billed(pool: Pool, tmp_path: Path) -> None:
    write(tmp_path / "fixtures.json", [("bees", "honey")])
    await Ledger(pool).allow_storage(UUID(int=1))
    with aimock(tmp_path / "fixtures.json") as api:
        provider = OpenAI(KEY, base_url=api, storage=True)
        often = GatewaySettings(poll_seconds=0.01)
        async with Gateway(pool, FixedProviders(provider), often, webhooks=("openai",)) as gateway:
            with pytest.raises(Deferred, match="background"):
                await gateway.call(_origin(seconds_left=1, host_seconds=1), REQUEST, accept)
            deadline = time.monotonic() + 60
            while (await Ledger(pool).spent_by_job(UUID(int=2))).suspected == 0:
                await gateway.duties()
                assert time.monotonic() < deadline
            (call,) = await Ledger(pool).calls(UUID(int=2))
            assert (call.state, call.mode, call.error) == ("open", "background", "reply_lost")
            async with pool.connection() as connection:
                await connection.execute("update coursewright.calls set retry_at = '-infinity'")
            assert (await gateway.call(_origin(), REQUEST, accept)).value == "honey"  # asked anew, where it can wait
        await provider.aclose()


def _origin(task: str = "task", **more: object) -> Origin:
    known = {"organisation_id": UUID(int=1), "task_key": task, "kind": "lesson_section", "job_id": UUID(int=2)}
    return Origin(**(known | more))  # type: ignore[arg-type]  # what a test wants to say
