"""`coursewright generate` with a model, killed at any moment: what was answered is not paid again.

The simulator keeps its own bill; the ledger has to agree with it.
"""

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from coursewright.course.checks import check
from coursewright.course.model import Course
from coursewright.llm.call import request_from_json
from tests.e2e.command_line import CommandLine
from tests.faults.conftest import HANG
from tests.handbook import COURSE_45, write_documents
from tests.openai_shapes import fingerprint
from tests.wire import simulator

pytestmark = pytest.mark.faults

IN, OUT = 1e-6, 2e-6  # dollars a token
# A call whose process was killed in mid-flight is asked again after its own deadline, not before.
IMPATIENT = {
    "COURSEWRIGHT_GATEWAY__TIMEOUT_SECONDS": "2",
    "COURSEWRIGHT_GATEWAY__TOKENS_PER_SECOND": "100000",
    "COURSEWRIGHT_GATEWAY__GRACE_SECONDS": "0.5",
    "COURSEWRIGHT_WORKER__LEASE_SECONDS": "2",
    "COURSEWRIGHT_WORKER__HEARTBEAT_SECONDS": "0.5",
    "COURSEWRIGHT_WORKER__CONCURRENCY": "4",
}
# By default a step that five workers died of is given up, and a call that was lost eight times.
UNTIRING = {"COURSEWRIGHT_WORKER__MAX_RESCUES": "1000", "COURSEWRIGHT_GATEWAY__MAX_SENDS": "1000"}


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_generations_go_on_and_pay_nothing_twice_that_was_answered(
    tmp_path: Path, database_url: str, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    line = CommandLine(tmp_path, database_url)
    line.environment |= IMPATIENT | (UNTIRING if kills > 8 else {})
    write_documents(tmp_path / "docs", COURSE_45)
    drawn = random.Random(7)
    killed = courses = 0
    while killed < kills:
        courses += 1
        of_course, report = _make(line, f"Course {courses}", kills - killed, drawn)
        killed += of_course
        assert len(line.jobs()) == courses
        with capsys.disabled():
            print(f"\n  {report}", end="")  # noqa: T201
    with capsys.disabled():
        print(f"\n  {killed} kills in all, {courses} courses")  # noqa: T201


def _make(line: CommandLine, title: str, kills: int, drawn: random.Random) -> tuple[int, str]:
    """Make a course in spite of at most so many kills, check what it cost; return how often it was killed, and what
    to report.
    """
    log = line.folder / f"{title}.jsonl"
    killed = 0
    with simulator("--good", "--latency", "0.3", "--log", str(log)) as port:
        where = ("--base-url", f"http://127.0.0.1:{port}/v1", "--price", "1/2", "--budget", "9")
        wish = ("--title", title, "--modules", "2", "--lessons", "3", "--model", "compatible:careful", "--out", title)
        while True:
            process = line.start("generate", "docs", *wish, *where)
            if killed < kills:
                _until_asked(log, _billed(log) + drawn.randint(1, 6), process)
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
            _, err = process.communicate()
            if process.returncode != -signal.SIGKILL:
                break
            killed += 1
    assert process.returncode == 0, err
    course = Course.model_validate_json((line.folder / title / "course.json").read_bytes())
    assert check(course) == ()

    job = line.jobs()[0]
    found = json.loads(line.run("calls", job["id"], "--json")[0])
    assert [call for call in found["calls"] if call["state"] != "accepted"] == []
    assert (job["completed_tasks"], job["total_tasks"]) == (45, 45)
    bill = [json.loads(each) for each in log.read_text().splitlines()]
    asked = Counter(each["prompt"] for each in bill)
    sends = _sends(line.environment["DATABASE_URL"], job["id"])
    assert set(asked) == set(sends)
    assert len(sends) == len(found["calls"])
    # Of each call one request is paid, and every other in the simulator's log has a row of its own that is suspected.
    unexplained = {prompt: n for prompt, n in asked.items() if n > 1 + sends[prompt]["suspected"]}
    assert unexplained == {}
    assert {each["settled"] for each in sends.values()} == {1}
    suspected = sum(each["suspected"] for each in sends.values())
    dollars = sum(each["tokens"][0] * IN + each["tokens"][1] * OUT for each in bill)
    spent = found["spent"]
    assert spent["reserved"] == 0
    assert spent["settled"] <= dollars * 1.000001
    assert dollars <= (spent["settled"] + spent["suspected"]) * 1.000001
    told = f"{title}: {killed} kills, {len(asked)} calls, {len(bill)} billed ({len(bill) - len(asked)} repeats), "
    told += f"{suspected} sends suspected; settled {spent['settled']:.4f} <= bill {dollars:.4f} <= with suspected "
    return killed, f"{told}{spent['settled'] + spent['suspected']:.4f} dollars"


def _sends(url: str, job: str) -> dict[str, dict[str, int]]:
    """Return how many sends of each call are settled and suspected, by what the simulator calls its prompt."""
    query = """
        select t.prompt, count(*) filter (where s.state = 'settled') as settled,
               count(*) filter (where s.state = 'suspected') as suspected
          from coursewright.calls c join coursewright.call_texts t on t.call_id = c.id
          join coursewright.sends s on s.call_id = c.id
         where c.job_id = %s group by c.id, t.prompt"""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute(query, (job,)).fetchall()
    return {fingerprint(message.text for message in request_from_json(row.pop("prompt")).messages): row for row in rows}


def _billed(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def _until_asked(log: Path, wanted: int, process: Any) -> None:
    deadline = time.monotonic() + HANG
    while _billed(log) < wanted and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
