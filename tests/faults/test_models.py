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

import pytest

from coursewright.course.checks import check
from coursewright.course.model import Course
from tests.e2e.command_line import CommandLine
from tests.faults.conftest import HANG
from tests.wire import simulator

pytestmark = pytest.mark.faults

KILLS = 8
IN, OUT = 1e-6, 2e-6  # dollars a token


def test_a_killed_generation_goes_on_and_pays_nothing_twice_that_was_answered(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.documents("0[1-2]*.md")
    # A call whose process was killed in mid-flight is asked again after its own deadline, not before.
    line.environment |= {
        "COURSEWRIGHT_GATEWAY__TIMEOUT_SECONDS": "2",
        "COURSEWRIGHT_GATEWAY__TOKENS_PER_SECOND": "100000",
        "COURSEWRIGHT_GATEWAY__GRACE_SECONDS": "0.5",
        "COURSEWRIGHT_WORKER__LEASE_SECONDS": "2",
        "COURSEWRIGHT_WORKER__HEARTBEAT_SECONDS": "0.5",
        "COURSEWRIGHT_WORKER__CONCURRENCY": "4",
    }
    log = tmp_path / "bill"
    drawn = random.Random(7)
    killed = 0
    with simulator("--good", "--latency", "0.3", "--log", str(log)) as port:
        where = ("--base-url", f"http://127.0.0.1:{port}/v1", "--out", "out")
        words = ("generate", "docs", "--model", "compatible:careful", "--price", "1/2", *where)
        for _ in range(KILLS):
            process = line.start(*words)
            _until_asked(log, _billed(log) + drawn.randint(1, 4), process)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.communicate()
        line.run(*words)
    assert killed >= KILLS // 2
    assert len(line.jobs()) == 1
    course = Course.model_validate_json((tmp_path / "out/course.json").read_bytes())
    assert check(course) == ()

    found = json.loads(line.run("calls", line.jobs()[0]["id"], "--json")[0])
    assert {call["state"] for call in found["calls"]} == {"accepted"}
    bill = [json.loads(each) for each in log.read_text().splitlines()]
    asked = Counter(each["prompt"] for each in bill)
    suspected = sum(call["suspected"] > 0 for call in found["calls"])
    assert len(asked) == len(found["calls"])
    assert sum(n > 1 for n in asked.values()) <= suspected
    dollars = sum(each["tokens"][0] * IN + each["tokens"][1] * OUT for each in bill)
    spent = found["spent"]
    assert spent["reserved"] == 0
    assert spent["settled"] <= dollars * 1.000001
    assert dollars <= (spent["settled"] + spent["suspected"]) * 1.000001
    print(f"{killed} kills, {len(bill)} requests billed, {len(asked)} calls, {suspected} suspected")  # noqa: T201


def _billed(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def _until_asked(log: Path, wanted: int, process: Any) -> None:
    deadline = time.monotonic() + HANG
    while _billed(log) < wanted and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
