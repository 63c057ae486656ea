"""`coursewright eval`: what a model answered is recorded, judged again without it, and compared."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coursewright.cli.exits import EXIT_CODES
from tests.conftest import cloned
from tests.e2e.command_line import CommandLine
from tests.wire import simulator

pytestmark = pytest.mark.xdist_group("recording")  # one worker makes what all of them use

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "examples" / "evaluation" / "choosing-a-site.jsonl"


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, database_server: str, template_database: str, worker_id: str
) -> Iterator[CommandLine]:
    """A folder with a recording `new.jsonl` of a model that has to mend some of its answers."""
    with (
        cloned(database_server, template_database, worker_id) as url,
        simulator("--good", "--steady", "--reject-rate", "0.3", "--latency", "0.01", "--seed", "3") as port,
    ):
        line = CommandLine(tmp_path_factory.mktemp("recorded"), url)
        line.documents("03*.md")
        where = ("--base-url", f"http://127.0.0.1:{port}/v1")
        line.run("generate", "docs", "--model", "compatible:careful", "--price", "1/2", *where, "--out", "out")
        _, err = line.run("eval", line.jobs()[0]["id"], "--record", "new.jsonl", *where)
        assert "new.jsonl" in err
        yield line


def scores(line: CommandLine, *words: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line.run("eval", *words, "--json", code=code)[0])
    return found


def change(path: Path, to: Path, mend: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Write a recording anew, line by line; None leaves a line out."""
    lines = [mend(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    to.write_text("".join(json.dumps(line) + "\n" for line in lines if line), encoding="utf-8")


def test_a_recording_gives_the_course_that_was_recorded_and_asks_nobody(recorded: CommandLine) -> None:
    (found,) = scores(recorded, "new.jsonl")["scores"]
    told = json.loads(recorded.run("calls", recorded.jobs()[0]["id"], "--json")[0])
    rejected = [call for call in told["calls"] if call["state"] == "rejected"]
    assert rejected  # there is something to count
    assert found["rejections"] == {"not of the schema": len(rejected)}
    assert found["calls"] == sum(call["turn"] == 0 for call in told["calls"])
    assert found["values"]["dollars"] == pytest.approx(told["spent"]["settled"])
    assert found["values"]["repairs"] == pytest.approx(len(rejected) / found["calls"])
    quality = json.loads((recorded.folder / "out/quality.json").read_text())
    for measure in quality["measures"]:
        if measure["name"] in ("citation_recall", "citation_precision", "source_coverage"):
            assert found["values"][measure["name"]] == measure["value"]
    assert found["values"]["substituted"] == 0
    assert len(recorded.jobs()) == 1  # the user's database knows nothing of it


@pytest.mark.slow
def test_worse_replies_are_told_and_end_with_an_exit_code(recorded: CommandLine) -> None:
    def worse(line: dict[str, Any]) -> dict[str, Any]:
        if line.get("reply", {}).get("kind") == "lesson_section":
            line["reply"]["text"] = '{"blocks": []}'
        return line

    change(recorded.folder / "new.jsonl", recorded.folder / "worse.jsonl", worse)
    found = scores(recorded, "worse.jsonl", "--baseline", "new.jsonl", code=1)
    assert {"right_at_once", "substituted"} <= set(*found["worse"].values())
    assert found["scores"][0]["values"]["unanswered"] > 0  # repairs that nobody recorded
    out, _ = recorded.run("eval", "worse.jsonl", "--baseline", "new.jsonl", code=1)
    assert "Worse than the baseline: right_at_once" in out
    recorded.run("eval", "new.jsonl", "--baseline", "worse.jsonl")
    (recorded.folder / "scores.json").write_text(json.dumps(scores(recorded, "new.jsonl")))
    recorded.run("eval", "new.jsonl", "--baseline", "scores.json")


@pytest.mark.slow
def test_what_cannot_be_judged_is_refused_with_a_reason(recorded: CommandLine) -> None:
    refused = EXIT_CODES["invalid_request"]

    def no_outline(line: dict[str, Any]) -> dict[str, Any] | None:
        return None if line.get("reply", {}).get("kind") == "outline_generation" else line

    def of_another(line: dict[str, Any]) -> dict[str, Any]:
        if "request" in line:
            line["request"]["seed"] = 7
        return line

    change(recorded.folder / "new.jsonl", recorded.folder / "short.jsonl", no_outline)
    assert "no reply for" in recorded.run("eval", "short.jsonl", code=refused)[1]
    change(recorded.folder / "new.jsonl", recorded.folder / "another.jsonl", of_another)
    assert (
        "Compare recordings of the same"
        in recorded.run("eval", "new.jsonl", "--baseline", "another.jsonl", code=refused)[1]
    )
    (recorded.folder / "cut.jsonl").write_text('{"coursewright": "recording", "version": 1}\n{"repl')
    assert "line 1: prompts" in recorded.run("eval", "cut.jsonl", code=refused)[1]
    assert "no file of JSON lines" in recorded.run("eval", "docs/03-choosing-a-site.md", code=refused)[1]
    assert "cannot be read" in recorded.run("eval", "nowhere.jsonl", code=refused)[1]
    recorded.run("generate", "docs", "--author", "extractive", "--out", "plain")
    plain = recorded.jobs()[0]["id"]
    assert "no replies to record" in recorded.run("eval", plain, "--record", "plain.jsonl", code=refused)[1]


def test_the_committed_recording_is_as_good_as_it_was(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    shutil.copy(COMMITTED, tmp_path)
    shutil.copy(COMMITTED.with_name("scores.json"), tmp_path)
    line.run("eval", COMMITTED.name, "--baseline", "scores.json")
