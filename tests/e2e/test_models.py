"""Courses by a language model, end to end: the command line, a real endpoint on a socket, real Postgres.

Two endpoints in processes of their own: the project's simulator, which answers as a careful model would, and `llmock`,
which was not written here and answers every schema with nonsense.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coursewright.cli.exits import EXIT_CODES
from coursewright.course.checks import check
from coursewright.course.model import Course
from tests.conftest import cloned
from tests.e2e.command_line import CommandLine
from tests.good_model import GAP
from tests.wire import get, llmock, simulator

pytestmark = pytest.mark.xdist_group("careful model")  # one worker makes what all of them use

CAREFUL = ("--model", "compatible:careful", "--price", "1/2")
NONSENSE = ("--model", "compatible:nonsense", "--price", "1/2")


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


@pytest.fixture
def line(tmp_path: Path, database_url: str) -> CommandLine:
    return CommandLine(tmp_path, database_url)


@pytest.fixture(scope="module")
def careful(
    tmp_path_factory: pytest.TempPathFactory, database_server: str, template_database: str, worker_id: str
) -> Iterator[tuple[CommandLine, int]]:
    """A folder where the careful model has written a course of three documents, and the model's port."""
    with (
        cloned(database_server, template_database, worker_id) as url,
        simulator("--good", "--latency", "0.01") as port,
    ):
        line = CommandLine(tmp_path_factory.mktemp("careful"), url)
        line.documents("0[1-3]*.md")
        line.run("generate", "docs", *CAREFUL, "--base-url", _url(port), "--out", "out")
        yield line, port


def _course(line: CommandLine) -> tuple[Course, dict[str, Any]]:
    course = Course.model_validate_json((line.folder / "out/course.json").read_bytes())
    quality = json.loads((line.folder / "out/quality.json").read_text())
    return course, {measure["name"]: measure for measure in quality["measures"]}


def _calls(line: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line.run("calls", line.jobs()[0]["id"], "--json")[0])
    return found


def test_a_model_writes_the_whole_course(careful: tuple[CommandLine, int]) -> None:
    course, measures = _course(careful[0])
    assert check(course) == ()
    assert (course.provenance.author, course.provenance.model) == ("llm", "compatible:careful")
    assert measures["substituted"]["value"] == 0
    assert measures["citation_validity"]["value"] == 1
    assert measures["citation_recall"]["value"] == 1
    assert len(course.modules) == 3


def test_what_was_answered_is_not_asked_again(careful: tuple[CommandLine, int]) -> None:
    line, port = careful
    before, asked = (line.folder / "out/course.json").read_bytes(), get(port, "/stats")["taken"]
    _, err = line.run("generate", "docs", *CAREFUL, "--base-url", _url(port), "--out", "out")
    assert get(port, "/stats")["taken"] == asked
    assert (line.folder / "out/course.json").read_bytes() == before
    calls = _calls(line)["calls"]
    assert calls
    assert all(call["saved"] for call in calls)
    assert "0.0000 of 1.00 dollars" in err
    assert f"Not covered by the documents\n    {GAP}\n" in err
    assert json.loads((line.folder / "out/quality.json").read_text())["gaps"] == [GAP]


def test_a_changed_document_costs_what_it_feeds(careful: tuple[CommandLine, int]) -> None:
    line, port = careful
    asked = get(port, "/stats")["taken"]
    page = line.folder / "docs/03-choosing-a-site.md"
    text = page.read_text()
    place = text.index(". ", len(text) // 2)
    page.write_text(f"{text[:place]}. A quiet place is worth more than a sunny one{text[place:]}")
    line.run("generate", "docs", *CAREFUL, "--base-url", _url(port), "--out", "out")
    calls = _calls(line)["calls"]
    fresh = Counter(call["kind"] for call in calls if not call["saved"])
    assert get(port, "/stats")["taken"] - asked == fresh.total()
    assert fresh["knowledge_analysis"] == fresh["outline_generation"] == fresh["path_quiz"] == fresh["class_exam"] == 1
    kept = Counter(call["kind"] for call in calls if call["saved"])
    assert kept["lesson_section"] > 2 * fresh["lesson_section"] > 0  # two of three documents did not change
    assert kept["path_quiz"] == 2


def test_refresh_uses_no_answer_that_is_kept(careful: tuple[CommandLine, int]) -> None:
    line, port = careful
    line.run("generate", "docs", *CAREFUL, "--base-url", _url(port), "--out", "out", "--refresh")
    assert not any(call["saved"] for call in _calls(line)["calls"])


def test_a_budget_pauses_the_job_and_a_larger_one_goes_on(line: CommandLine) -> None:
    line.page()
    log = line.folder / "bill"
    with simulator("--good", "--latency", "0.01", "--log", str(log)) as port:
        where = ("--base-url", _url(port))
        words = ("generate", "docs", *CAREFUL, *where, "--out", "out", "--budget", "0.02")
        _, err = line.run(*words, code=EXIT_CODES["needs_action"])
        job = line.jobs()[0]
        assert job["status"] == "paused"
        assert "0.02 for this job" in err
        way = f"coursewright resume {job['id'][:8]} --base-url {_url(port)} --price 1/2 --budget 0.04"
        assert err.splitlines()[-1].strip().endswith(way)
        assert line.run("status", job["id"])[0].strip().endswith("--budget 0.04")
        assert not (line.folder / "out/course.json").exists()
        spent = _calls(line)["spent"]
        assert spent["settled"] + spent["suspected"] <= 0.02
        _, err = line.run("resume", job["id"], *where, "--price", "1/2", "--budget", "2")
    assert "of 2.00 dollars" in err
    assert _course(line)[1]["substituted"]["value"] == 0
    prompts = Counter(json.loads(each)["prompt"] for each in log.read_text().splitlines())
    assert set(prompts.values()) == {1}  # nothing was asked twice


def test_nonsense_is_rejected_and_the_built_in_author_stands_in(line: CommandLine) -> None:
    line.page()
    with llmock() as port:
        words = ("generate", "docs", *NONSENSE, "--base-url", _url(port), "--out", "out")
        out, err = line.run(*words, "--json")
        assert get(port, "/_llmock/verdict")["passed"]
    course, measures = _course(line)
    assert check(course) == ()
    calls = _calls(line)["calls"]
    assert {call["state"] for call in calls} == {"rejected"}
    assert measures["substituted"]["value"] == len(calls) / 3 > 0  # a first try and two repairs for each part
    assert "none of a model's replies could be used" in course.provenance.notice
    assert json.loads(out)["spent"]["calls"] == len(calls)
    assert "llm: a model writes" in err


def test_chaos_and_quotas_are_survived(line: CommandLine) -> None:
    line.page()
    # The verdict tells calls by what they say, and a quiz and an exam on one lesson say the same: one after the other.
    line.environment["COURSEWRIGHT_WORKER__CONCURRENCY"] = "1"
    with llmock("--error-rate-429", "0.15", "--error-rate-503", "0.05", "--rpm", "600") as port:
        line.run("generate", "docs", *NONSENSE, "--base-url", _url(port), "--out", "out")
        verdict = get(port, "/_llmock/verdict")
    assert verdict["faults_injected"] > 0
    assert verdict["passed"], verdict
    calls = _calls(line)["calls"]
    assert {call["state"] for call in calls} == {"rejected"}  # all settled
    assert sum(call["sends"] for call in calls) > len(calls)


def test_without_a_stand_in_the_job_fails_and_says_why(line: CommandLine) -> None:
    line.page()
    with llmock() as port:
        words = ("generate", "docs", *NONSENSE, "--base-url", _url(port), "--no-substitute")
        _, err = line.run(*words, code=EXIT_CODES["job_failed"])
    assert "gave no usable reply in 3 turns" in err


def test_a_key_never_spends_by_itself_in_a_demo(line: CommandLine) -> None:
    line.page()
    with simulator("--good") as port:
        line.environment |= {"OPENAI_API_KEY": "sk-nobody", "COURSEWRIGHT_PROVIDERS__OPENAI_BASE_URL": _url(port)}
        line.run("demo")
        line.run("generate", "docs", "--author", "extractive")
        out, _ = line.run("estimate", "docs")
        assert get(port, "/stats")["taken"] == 0
    assert "openai:gpt-5.4-mini" in out  # but it chooses the model
    line.environment["COURSEWRIGHT_PROVIDERS__MODELS"] = '{"lesson_section": "openai:gpt-5.4"}'
    both, _ = line.run("estimate", "docs", "--fallback", "openai:gpt-5.4-nano")
    assert "openai:gpt-5.4 for lesson section\n" in both
    assert "openai:gpt-5.4-mini for the rest\n" in both
    assert "openai:gpt-5.4-nano" in both
    long, _ = line.run("estimate", "docs", "--detail", "comprehensive")
    assert long != both
    _, err = line.run("generate", "docs", "--budget", "0", code=EXIT_CODES["needs_action"])  # and the author
    assert "llm" in err


WRONG = (
    (("--model", "gpt-7"), "invalid_request", "PROVIDER:MODEL"),
    (("--model", "openai:gpt-5.4-mini"), "configuration", "OPENAI_API_KEY"),
    (("--model", "compatible:x"), "configuration", "--base-url"),
    (("--model", "compatible:x", "--base-url", "http://models.example/v1"), "price_unknown", "--price 0"),
    (("--model", "compatible:x", "--base-url", "localhost:1"), "configuration", "no address"),
    (("--model", "compatible:x", "--price", "cheap"), "configuration", "input/output"),
    (("--author", "extractive", "--model", "compatible:x"), "invalid_request", "asks no model"),
    (("--author", "llm"), "configuration", "No language model is configured"),
)


def test_a_wrong_model_is_refused_before_anything_is_spent(careful: tuple[CommandLine, int]) -> None:
    line, _ = careful
    before = len(line.jobs())
    for words, code, says in WRONG:
        _, err = line.run("generate", "docs", *words, code=EXIT_CODES[code])
        assert says in err
    assert len(line.jobs()) == before
