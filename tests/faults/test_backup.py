"""Backup and restore of the embedded database: while a worker is at it, elsewhere, and when something is wrong."""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from coursewright.db import cluster
from coursewright.db.embedded import running_server
from coursewright.db.pool import connect_sync
from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.faults


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    found = CommandLine(tmp_path)
    found.documents("0[1-3]*.md")
    return found


def _completed(connection: "psycopg.Connection[Any]") -> int:
    query = "select completed_tasks from public.course_generation_jobs"
    return int((connection.execute(query).fetchone() or [0])[0])


@contextlib.contextmanager
def working(line: CommandLine) -> Iterator[None]:
    worker = line.start("worker", "--concurrency", "1")
    try:
        yield
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.communicate()


def test_a_course_that_was_half_done_is_finished_elsewhere_as_it_would_have_been_here(line: CommandLine) -> None:
    line.documents("*.md", "*.html")
    job = line.run("generate", "docs", "--no-wait", "--out", "here")[0].strip()
    with running_server(line.folder / ".coursewright") as url, working(line):
        with connect_sync(url) as connection:
            while not _completed(connection):
                time.sleep(0.02)
        line.run("backup", "0.backup")
    line.run("resume", job, "--out", "here")

    _, err = line.run("restore", "0.backup", "--data-dir", "elsewhere")
    assert "Restored 1 job" in err
    assert "1 job not finished" in err
    before = line.run("jobs", "--data-dir", "elsewhere")[0].split("\t")
    assert before[0] == job
    assert before[1] == "processing"
    line.run("resume", job, "--data-dir", "elsewhere", "--out", "there")
    assert (line.folder / "there/course.json").read_bytes() == (line.folder / "here/course.json").read_bytes()
    story = line.run("status", job, "--story", "--data-dir", "elsewhere")[0]
    assert story.count("The outline of") == 1


def test_data_that_are_there_are_replaced_only_when_asked_and_kept_aside(line: CommandLine) -> None:
    first = line.run("generate", "docs", "--no-wait")[0].strip()
    line.run("backup", "first.backup")
    second = line.run("generate", "docs", "--no-wait", "--title", "Other")[0].strip()
    _, err = line.run("restore", "first.backup", code=75)
    assert "There are data in" in err
    assert "--replace" in err
    assert {job["id"] for job in line.jobs()} == {first, second}
    _, err = line.run("restore", "first.backup", "--replace")
    assert [job["id"] for job in line.jobs()] == [first]
    (aside,) = (line.folder / ".coursewright").glob("postgres.before-restore-*")
    shutil.rmtree(line.folder / ".coursewright" / "postgres")
    aside.rename(line.folder / ".coursewright" / "postgres")
    assert {job["id"] for job in line.jobs()} == {first, second}


def test_a_folder_in_use_is_left_alone(line: CommandLine) -> None:
    line.run("generate", "docs", "--no-wait")
    line.run("backup", "first.backup")
    with working(line):
        while not line.jobs()[0]["completed_tasks"]:
            time.sleep(0.02)
        _, err = line.run("restore", "first.backup", "--replace", code=75)
    assert "in use" in err
    assert not list(line.folder.glob("*.restoring"))
    assert not list((line.folder / ".coursewright").glob("postgres.before-*"))


def test_what_is_no_backup_or_damaged_changes_nothing(line: CommandLine) -> None:
    line.run("generate", "docs", "--no-wait")
    line.run("backup", "good.backup")
    good = (line.folder / "good.backup").read_bytes()
    (line.folder / "text.backup").write_text("not a backup")
    (line.folder / "short.backup").write_bytes(good[: len(good) // 2])
    (line.folder / "newer.backup").write_bytes(good[:5] + bytes([99]) + good[6:])
    for name, says in (("text", "is not a backup"), ("newer", "newer version"), ("absent", "cannot be read")):
        _, err = line.run("restore", f"{name}.backup", "--data-dir", "elsewhere", code=65)
        assert says in err, name
        assert not (line.folder / "elsewhere").exists()
    line.run("restore", "short.backup", "--data-dir", "elsewhere", code=65)
    assert not (line.folder / "elsewhere" / "postgres").exists()
    _, err = line.run("backup", "good.backup", code=75)
    assert "exists already" in err
    assert (line.folder / "good.backup").read_bytes() == good


def test_a_backup_of_a_newer_coursewright_is_refused(line: CommandLine) -> None:
    line.run("jobs")
    with running_server(line.folder / ".coursewright") as url:
        with connect_sync(url) as connection:
            connection.execute("insert into coursewright.migrations values ('9999_from_the_future', 'x')")
        program = str(cluster.binaries() / "pg_dump")
        subprocess.run([program, "-Fc", "-f", str(line.folder / "newer.backup"), "-d", url], check=True)
    line.environment["PGHOST"] = "nowhere"  # of the user's own: not for the programs of the embedded server
    _, err = line.run("restore", "newer.backup", "--data-dir", "elsewhere", code=69)
    assert "newer version of Coursewright" in err
    assert not (line.folder / "elsewhere" / "postgres").exists()


def test_a_server_of_ones_own_is_backed_up_with_its_own_tools(line: CommandLine) -> None:
    line.environment["DATABASE_URL"] = "postgresql://nowhere/x"
    for words in (("backup",), ("restore", "a.backup")):
        _, err = line.run(*words, code=78)
        assert "pg_" in err
