"""What goes wrong on a user's machine: full disks, killed servers, foreign folders. Nothing is lost; errors help."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from coursewright.app import LOCAL_ORGANISATION, Reading, open_coursewright
from coursewright.db.embedded import running_server
from coursewright.settings import DocumentSettings, Settings
from tests.e2e.command_line import CommandLine

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system or use another account")


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    found = CommandLine(tmp_path)
    found.documents("0[1-3]*.md")
    return found


@pytest.fixture
def served(line: CommandLine, database_url: str) -> CommandLine:
    """The same on a server that is running: quicker, where the embedded one has no part in what is tested."""
    line.environment["DATABASE_URL"] = database_url
    return line


@contextlib.contextmanager
def file_system(folder: Path, size: str, *options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}", "mode=755", *options)), "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def wait_for(process: "subprocess.Popen[str]", text: str) -> str:
    """Read standard error until it says `text`; return what was read."""
    assert process.stderr is not None
    said = ""
    for row in process.stderr:
        said += row
        if text in row:
            return said
    raise AssertionError(said)


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("taken", "is a file"),
        ("taken/in", "is a file"),
        ("docs", "not made by"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_before_the_work(line: CommandLine, out: str, says: str) -> None:
    (line.folder / "taken").write_text("mine")
    _, err = line.run("generate", "docs", "--out", out, code=73)
    assert says in err
    assert "Starting" not in err
    assert (line.folder / "taken").read_text() == "mine"
    assert not (line.folder / ".coursewright").exists()


@as_root
def test_an_output_folder_that_fills_up_costs_no_work(served: CommandLine) -> None:
    with file_system(served.folder / "small", "200k"):
        _, err = served.run("generate", "docs", "--title", "Bees", "--out", "small/bees", code=73)
    assert "Free some space" in err
    job = served.jobs()[0]
    assert job["status"] == "completed"
    assert f"coursewright resume {job['id'][:8]}" in err
    served.run("resume", job["id"][:8], "--out", "bees")
    assert (served.folder / "bees/site/index.html").is_file()


@as_root
def test_a_read_only_folder_is_refused(served: CommandLine) -> None:
    with file_system(served.folder / "fixed", "1m", "ro"):
        _, err = served.run("generate", "docs", "--out", "fixed/bees", code=73)
    assert "No permission" in err or "Read-only" in err


@as_root
def test_a_disk_too_full_for_the_database_says_so(line: CommandLine) -> None:
    with file_system(line.folder / "small", "20m"):
        _, err = line.run("generate", "docs", "--data-dir", "small/data", code=69)
    assert "The disk is full: make room, or choose another --data-dir" in err


def test_another_course_in_the_folder_is_replaced_whole_and_named(served: CommandLine) -> None:
    served.run("generate", "docs", "--title", "First", "--out", "out")
    _, err = served.run("generate", "docs", "--title", "Second", "--out", "out", "--format", "json")
    assert "held the course “First”" in err
    assert not (served.folder / "out/site").exists()  # it told of the first
    served.run("generate", "docs", "--title", "Second", "--out", "out", "--format", "markdown")
    assert {each.name for each in (served.folder / "out").iterdir() if each.suffix} == {"course.json", "course.md"}


def test_a_server_killed_in_the_middle_is_told_and_the_job_goes_on(line: CommandLine) -> None:
    line.environment["COURSEWRIGHT_WORKER__CONCURRENCY"] = "1"
    process = line.start("generate", "docs", "--title", "Bees", "--out", "out")
    wait_for(process, "documents,")
    os.kill(postmaster(line.folder / ".coursewright"), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    assert process.returncode == 69, err
    assert "went away" in err or "cannot be reached" in err
    line.run("generate", "docs", "--title", "Bees", "--out", "out")
    assert (line.folder / "out/course.json").is_file()


def test_words_that_no_text_can_hold_are_left_out(served: CommandLine) -> None:
    title = os.fsdecode(b'Bees\xff \x1b[31m"red"\n<script>')
    served.run("generate", "docs", "--title", title, "--audience", os.fsdecode(b"\xff"), "--out", "o" * 250)
    assert json.loads((served.folder / ("o" * 250) / "course.json").read_text())["title"] == 'Bees [31m"red" <script>'


def test_a_course_written_among_its_sources_is_made_again_from_them_alone(served: CommandLine) -> None:
    served.run("generate", "docs", "--out", "docs/course")
    once = (served.folder / "docs/course/course.json").read_bytes()
    _, err = served.run("generate", "docs", "--out", "docs/course")
    assert (served.folder / "docs/course/course.json").read_bytes() == once
    assert "left out course: a course that was written here" in err


def test_a_document_without_a_sentence_says_why_there_is_no_course(served: CommandLine) -> None:
    (served.folder / "bare.md").write_text("# Bees\n\n## Hives\n\n## Queens\n")
    _, err = served.run("generate", "bare.md", code=66)
    assert "bare.md: there are only headings in it" in err
    assert "Add documents with sentences." in err


def test_paths_that_cannot_be_meant_are_refused(served: CommandLine) -> None:
    assert "the path is empty" in served.run("generate", "", code=64)[1]
    assert "File name too long" in served.run("generate", "x" * 5000, code=65)[1]


async def test_files_that_change_or_vanish_while_others_are_read(tmp_path: Path) -> None:
    """What the knowledge base's id stands for is what is read, and the next run reads what is there then."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in "abcdefgh":
        (folder / f"{name}.md").write_text(f"# Hive {name}\n\nThe hive {name} stands beside the house.\n")

    (folder / "b.md").write_text("The hive stands beside the house, and the bees fly. \n\n" * 40_000)  # takes a while

    def change(_: Reading) -> None:
        (folder / "g.md").write_text("# Other\n\nSomething else.\n")
        (folder / "h.md").unlink(missing_ok=True)

    settings = Settings(data_dir=tmp_path / "data", documents=DocumentSettings(readers=1))
    async with open_coursewright(settings) as program:
        base = await program.read([folder], on_progress=change)
        assert base.documents == 8
        assert base.left_out == ()
        texts = {each.document: each.text for each in await program.documents.passages(LOCAL_ORGANISATION, base.id)}
        assert "The hive g stands" in texts["g.md"]
        assert "The hive h stands" in texts["h.md"]
        again = await program.read([folder])
        assert again.documents == 7
        assert again.id != base.id


def test_ctrl_c_gives_the_way_on_and_nothing_is_done_twice(line: CommandLine) -> None:
    line.documents("*.md")
    line.environment["COURSEWRIGHT_WORKER__CONCURRENCY"] = "1"
    process = line.start("generate", "docs", "--title", "Bees", "--out", "out")
    wait_for(process, "Writing the course")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    way_on = re.search(r"coursewright (resume \w{8})", err)
    assert way_on, err
    line.run(*way_on[1].split())
    assert (line.folder / "out/course.json").is_file()  # where it was asked for
    assert len(line.jobs()) == 1


def test_a_terminal_that_is_closed_stops_the_work_like_ctrl_c(line: CommandLine) -> None:
    line.documents("*.md")
    line.environment["COURSEWRIGHT_WORKER__CONCURRENCY"] = "1"
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "coursewright", "generate", "docs", "--out", "out"]
    # As in a terminal window: the leader of a session, to which the kernel says SIGHUP when the terminal goes.
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *words], cwd=line.folder, env=line.environment, stdin=theirs, stdout=theirs,
        stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while b"Writing the course" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    assert process.wait(timeout=60) == 130
    (job,) = line.jobs()
    line.run("resume", job["id"][:8])
    assert (line.folder / "out/course.json").is_file()


@pytest.mark.parametrize(("to", "code", "says"), [(">/dev/full", 73, "No space left on device"), (">&-", 0, "")])
def test_output_that_cannot_be_written(line: CommandLine, to: str, code: int, says: str) -> None:
    shell = ["sh", "-c", f'"$0" -m coursewright config {to}', sys.executable]
    done = subprocess.run(shell, cwd=line.folder, env=line.environment, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_two_at_once_in_one_folder_both_end_well(line: CommandLine) -> None:
    both = [line.start("generate", "docs", "--title", title, "--out", title) for title in ("One", "Two")]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert all((line.folder / title / "site/index.html").is_file() for title in ("One", "Two"))
    assert len(line.jobs()) == 2


def test_the_same_course_twice_at_once_is_one_job_or_two_equal_ones(line: CommandLine) -> None:
    both = [line.start("generate", "docs", "--title", "Bees", "--out", "out") for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    assert (line.folder / "out/course.json").is_file()


def test_data_of_another_major_version_come_with_a_way_on(line: CommandLine) -> None:
    line.run("jobs")
    with running_server(line.folder / ".coursewright"):  # nobody else may be about to stop it
        version = line.folder / ".coursewright/postgres/PG_VERSION"
        version.write_text("16\n")
    _, err = line.run("generate", "docs", code=69)
    assert "Postgres 16" in err
    assert "pg_dumpall" in err


@as_root
def test_a_data_folder_of_another_account_is_used_or_refused_with_the_remedy(line: CommandLine) -> None:
    """Root may use it, as its owner; that a stranger is refused is tested with an account of its own."""
    data = line.folder / ".coursewright"
    data.mkdir()
    shutil.chown(data, "nobody")
    line.run("generate", "docs", "--out", "out")
    assert (data / "postgres").owner() == "nobody"


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("postgresql://me:geheim@127.0.0.1:1/x", 69, "Connection refused"),
        ("postgresql://me:geheim@nowhere.invalid/x", 69, "nowhere.invalid"),
        ("mysql://me:geheim@127.0.0.1/x", 78, "not one that Postgres understands"),
    ],
)
@pytest.mark.parametrize("command", ["jobs", "doctor", "migrate"])
def test_a_url_that_leads_nowhere(line: CommandLine, command: str, url: str, code: int, says: str) -> None:
    line.environment["DATABASE_URL"] = url
    out, err = line.run(command, code=69 if command == "doctor" else code)
    assert says in out + err
    assert "geheim" not in out + err


def test_a_url_with_the_words_of_other_programs_works(line: CommandLine, empty_database_url: str) -> None:
    host = re.search(r"host=(\S+)", empty_database_url)
    name = re.search(r"dbname=(\S+)", empty_database_url)
    user = re.search(r"user=(\S+)", empty_database_url)
    assert host
    assert name
    assert user
    line.environment["DATABASE_URL"] = f"postgresql://{user[1]}@/{name[1]}?host={quote(host[1])}&pgbouncer=true"
    line.run("migrate")
    assert "The schema is up to date" in line.run("doctor")[0]
