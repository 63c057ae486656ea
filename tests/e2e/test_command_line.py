"""The command line as a user meets it: a process of its own, real files, the embedded Postgres."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from coursewright.cli.exits import EXIT_CODES
from coursewright.course.checks import check
from coursewright.course.model import Course
from coursewright.db.embedded import running_server
from coursewright.errors import CoursewrightError
from tests.e2e.command_line import HANDBOOK, CommandLine

pytestmark = pytest.mark.xdist_group("demo")  # one worker makes what all of them use

ROOT = Path(__file__).parents[2]
SOME_DONE = "select count(*) >= 5 from public.course_generation_tasks where status = 'completed'"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A folder where `demo` has been run once; its server goes on, so that nobody has to wait for its start again."""
    line = CommandLine(tmp_path_factory.mktemp("demo"))
    line.run("demo")
    with running_server(line.folder / ".coursewright"):
        yield line


def test_demo_makes_a_whole_course(made: CommandLine) -> None:
    course = Course.model_validate_json((made.folder / "out/demo/course.json").read_bytes())
    assert check(course) == ()
    assert len(course.modules) >= 2
    assert (made.folder / "out/demo/site/index.html").is_file()
    assert (made.folder / "out/demo/course.md").is_file()
    assert json.loads((made.folder / "out/demo/quality.json").read_text())["course"] == course.title


def test_the_readme_shows_what_demo_prints(tmp_path: Path) -> None:
    printed = [_same_everywhere(row) for row in CommandLine(tmp_path).run("demo")[1].splitlines()]
    (shown,) = re.findall(r"^```\n(✓ Read .+?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    first = printed.index(next(row for row in printed if row.startswith("✓ Made")))
    read = [row for row in printed[:first] if row.startswith("✓")]
    assert [row.partition(" the ")[0] for row in printed[first - 2 : first]] == ["Checking", "Writing files"]
    assert [_same_everywhere(row) for row in shown.splitlines()] == read + printed[first:]


def _same_everywhere(row: str) -> str:
    """Return a line without what differs from machine to machine: the time, the folder, how the program is called."""
    return re.sub(r" in .+ s$|file://.+(?=/out/demo)|(?<=open it  ).+(?= open out)", "", row)


def test_a_course_without_its_site_is_not_opened_but_known(made: CommandLine) -> None:
    course = made.folder / "out/bare/course.json"
    made.run("resume", made.jobs()[-1]["id"], "--out", "out/bare", "--format", "json,quality")
    assert course.is_file()
    _, err = made.run("open", "out/bare", code=66)
    assert "The course in out/bare was written without its site" in err
    assert "resume JOB --out out/bare" in err


def test_the_committed_example_is_what_the_code_makes(made: CommandLine) -> None:
    """`make examples` writes it again; the versions of libraries may differ."""

    def course(folder: Path) -> Course:
        found = Course.model_validate_json((folder / "course.json").read_bytes())
        return found.model_copy(update={"provenance": found.provenance.model_copy(update={"versions": {}})})

    assert course(made.folder / "out/demo") == course(ROOT / "examples" / "course")


def test_the_same_sources_give_the_same_bytes(made: CommandLine, tmp_path: Path) -> None:
    """Files in another order, other hashes of strings, more tasks at once: nothing of it shows."""
    line = CommandLine(tmp_path)
    line.environment |= {"PYTHONHASHSEED": "7", "COURSEWRIGHT_WORKER__CONCURRENCY": "8"}
    files = sorted((str(path) for path in HANDBOOK.iterdir() if path.is_file()), reverse=True)
    line.run("generate", *files, "--title", "Keeping Honey Bees", "--out", "out")
    assert (tmp_path / "out/course.json").read_bytes() == (made.folder / "out/demo/course.json").read_bytes()


def test_jobs_and_status_tell_of_the_job(made: CommandLine) -> None:
    job = made.jobs()[-1]
    assert (job["status"], job["progress"]) == ("completed", 100)
    assert "completed, 100 %" in made.run("status", job["id"])[0]


def test_a_killed_process_goes_on_where_it_was(made: CommandLine, tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.environment["COURSEWRIGHT_WORKER__CONCURRENCY"] = "1"
    job_id = line.run("generate", str(HANDBOOK), "--title", "Keeping Honey Bees", "--out", "out", "--no-wait")[
        0
    ].strip()
    process = line.start("generate", str(HANDBOOK), "--title", "Keeping Honey Bees", "--out", "out")
    with running_server(tmp_path / ".coursewright") as url, psycopg.connect(url, autocommit=True) as connection:
        while not (connection.execute(SOME_DONE).fetchone() or [False])[0]:
            assert process.poll() is None, "the course was finished before it could be killed"
            time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = _attempts(line, job_id)
    line.run("resume", job_id, "--out", "out")
    after = _attempts(line, job_id)
    assert before
    assert {name: after[name] for name in before} == before  # nothing that was finished was done again
    assert len(line.jobs()) == 1
    assert (tmp_path / "out/course.json").read_bytes() == (made.folder / "out/demo/course.json").read_bytes()


def test_a_worker_tells_of_every_job_and_a_job_is_called_by_its_documents(tmp_path: Path, database_url: str) -> None:
    line = CommandLine(tmp_path, database_url)
    line.page()
    good = line.run("generate", "docs", "--no-wait")[0].strip()
    bad = line.run("generate", "docs", "--modules", "49", "--lessons", "49", "--no-wait")[0].strip()
    assert [job["title"] for job in line.jobs()] == ["docs", "docs"]
    line.environment |= {"COURSEWRIGHT_LOGS__FORMAT": "text", "COURSEWRIGHT_LOGS__LEVEL": "error"}
    worker = line.start("worker")
    assert worker.stderr is not None
    said = ""
    for row in worker.stderr:
        said += row
        if "Finished" in said and "Failed" in said:
            break
    worker.send_signal(signal.SIGINT)
    said += worker.communicate(timeout=60)[1]
    assert worker.returncode == 0
    assert re.search(f"→ Started {good[:8]} “.+”\n", said)  # its documents' name, or the course's: it is made fast
    assert re.search(f"✓ Finished {good[:8]} “.+”, [0-9]+ tasks in ", said)
    assert re.search(f"✗ Failed {bad[:8]} “docs”: .+", said)
    assert said.endswith("✓ Stopped.\n")
    _, err = line.run("cancel", good, code=75)
    assert f"coursewright status {good}" in err


def _attempts(line: CommandLine, job_id: str) -> dict[str, int]:
    tasks = json.loads(line.run("status", job_id, "--json")[0])["tasks"]
    return {task["task"]: task["attempt"] for task in tasks if task["status"] == "completed"}


def test_counts_that_were_asked_for_are_exact(made: CommandLine) -> None:
    made.run("generate", str(HANDBOOK), "--out", "out/two", "--modules", "2", "--lessons", "3", "--sections", "2")
    course = json.loads((made.folder / "out/two/course.json").read_text())
    assert [[len(lesson["sections"]) for lesson in module["lessons"]] for module in course["modules"]] == [[2] * 3] * 2


def test_one_bad_file_among_good_ones_is_named(made: CommandLine, tmp_path: Path) -> None:
    for page in sorted(HANDBOOK.glob("0[1-4]*.md")):
        (tmp_path / page.name).write_bytes(page.read_bytes())
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n1 0 obj")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    hives = b"# Hives\0\n\nA hive is the home of a colony.\n\n![](hive.png)\n\n![](yard.png)"
    (tmp_path / "hives.md").write_bytes(hives)
    out, err = made.run("generate", str(tmp_path), "--out", "out/partly", "--json")
    lost = "1 NUL character was dropped; 2 pictures were left out: no alternative text describes them"
    assert f"! hives.md: {lost}\n" in err
    warnings = [{"document": "hives.md", "warning": each} for each in lost.split("; ")]
    assert json.loads(out)["warnings"] == warnings
    assert "left out broken.pdf" in err
    told = {each["document"]: each["reason"] for each in json.loads(out)["left_out"]}
    assert set(told) == {"broken.pdf", "picture.png"}
    assert all(f"left out {name}: {reason}" in err for name, reason in told.items())
    quality = json.loads((made.folder / "out/partly/quality.json").read_text())
    assert [each["document"] for each in quality["left_out"]] == ["broken.pdf"]
    assert quality["warnings"] == warnings
    _, err = made.run("generate", str(tmp_path), "--out", "out/strict", "--strict", code=65)
    assert "broken.pdf" in err
    assert not (made.folder / "out/strict").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("generate", "nowhere"), 65, "✗ nowhere does not exist"),
        (("generate", "empty"), 66, "nothing to read"),
        (("generate", str(HANDBOOK), "--modules", "49", "--lessons", "49"), 1, "modules"),
        (("generate", str(HANDBOOK), "--mode", "kb_anything"), 64, "mode"),
        (("generate", "nowhere", "--audience", "beekeepers"), 64, "cannot honour"),  # told before anything is read
        (("generate", "nowhere", "--language", "tlh"), 64, "does not write in"),
        (("generate", str(HANDBOOK), "--format", "pdf"), 64, "Formats:"),
        (("status", "00000000-0000-0000-0000-000000000001"), 66, "no job"),
        (("open", "empty"), 66, "no course"),
        (("resume", "0abc"), 66, " jobs lists the jobs"),
        (("status", "0abc", "--data-dir", "else where"), 66, " jobs --data-dir 'else where' lists the jobs"),
        (("serve", "--port", "99999"), 64, "--port"),
        (("worker", "--concurrency", "99999999999"), 64, "--concurrency"),
        (("jobs", "--limit", "99999999999999999999"), 64, "--limit"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_call_says_what_to_do(made: CommandLine, words: tuple[str, ...], code: int, says: str) -> None:
    (made.folder / "empty").mkdir(exist_ok=True)
    _, err = made.run(*words, code=code)
    assert re.search(says, err)


def test_doctor_and_config_answer(made: CommandLine, tmp_path: Path) -> None:
    told = made.run("doctor")[0]
    assert re.search(r"✓ Postgres .*\n.*\n  psql 'postgresql://coursewright@/postgres\?host=", told)
    assert "✓ The schema is up to date" in told
    assert "!" not in CommandLine(tmp_path).run("doctor")[0]  # what a newcomer does first
    assert json.loads(made.run("config", "--json")[0])["worker"]["concurrency"] == 4


def test_every_error_has_an_exit_code() -> None:
    def codes(kind: type[CoursewrightError]) -> Iterator[str]:
        yield kind.code
        for child in kind.__subclasses__():
            yield from codes(child)

    assert set(codes(CoursewrightError)) == set(EXIT_CODES)


def test_search_finds_passages_of_the_newest_job(made: CommandLine) -> None:
    out, _ = made.run("search", "How do I calm the bees?", "--limit", "2")
    assert out.startswith("1  ")
    assert "\n2  " in out
    assert "calm" in out.casefold()
    found = json.loads(made.run("search", "How do I calm the bees?", "--json")[0])["hits"]
    assert len(found) == 5
    for hit in found:
        for start, end in hit["snippet"]["matches"]:
            assert hit["snippet"]["text"][start:end].isalpha()


def test_search_reads_the_documents_that_are_named(tmp_path: Path, database_url: str) -> None:
    line = CommandLine(tmp_path, database_url)
    _, err = line.run("search", "bees", code=EXIT_CODES["not_found"])
    assert "no documents to search" in err
    (tmp_path / "notes.md").write_text("# Notes\n\nThe walnut falls in October.\n")
    out, _ = line.run("search", "walnut", "notes.md")
    assert out.splitlines()[1].strip() == "notes.md"
    out, err = line.run("search", "zebra", "notes.md")
    assert out == ""
    assert "No passage has any of these words" in err
    line.run("search", " ", code=EXIT_CODES["invalid_request"])
