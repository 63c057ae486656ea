"""The embedded server's life cycle, with real processes that are really killed."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from coursewright.db import guardian
from coursewright.db.embedded import embedded_postgres, running_server
from coursewright.errors import DatabaseUnavailable, MigrationError, OutputError

USER = """
import sys
from pathlib import Path
from coursewright.db.embedded import running_server
with running_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class User:
    """Another process that uses the server until it is told to leave, or is killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def folder(data_dir: Path) -> Iterator[Path]:
    yield data_dir
    if data_dir.exists():
        wait_for_stop(data_dir)


def wait_for_stop(folder: Path) -> None:
    """Block on the lock that every process of the server holds; fail after 20 s."""
    lock = guardian.open_lock(folder, "server.lock")
    waiter = threading.Thread(target=fcntl.flock, args=(lock, fcntl.LOCK_EX), daemon=True)
    waiter.start()
    waiter.join(20)
    assert not waiter.is_alive(), "the server still runs"
    os.close(lock)


def ask(url: str, query: str = "select 1") -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row
        return row[0]


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


async def test_data_survive_a_stop_and_the_folder_ignores_itself(folder: Path) -> None:
    async with embedded_postgres(folder) as url:
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 7 as seven")
    wait_for_stop(folder)
    async with embedded_postgres(folder) as url:
        assert ask(url, "select seven from kept") == 7
    assert (folder / ".gitignore").read_text() == "*\n"


def test_only_a_private_socket_is_open(folder: Path) -> None:
    with running_server(folder) as url:
        assert ask(url, "show listen_addresses") == ""
        sockets = Path(str(ask(url, "show unix_socket_directories")))
        assert sockets.stat().st_mode & 0o077 == 0
        assert ask(url, "select datcollate || datlocale from pg_database where datname = current_database()") == (
            "CC.UTF-8"
        )


def test_the_server_stops_after_its_only_user_was_killed(folder: Path) -> None:
    user = User(folder)
    assert ask(user.url) == 1
    user.kill()
    wait_for_stop(folder)


def test_a_second_user_keeps_the_server_when_the_first_is_killed(folder: Path) -> None:
    first, second = User(folder), User(folder)
    assert first.url == second.url
    pid = postmaster(folder)
    first.kill()
    assert ask(second.url) == 1
    assert postmaster(folder) == pid
    second.kill()
    wait_for_stop(folder)


def test_users_that_come_and_go_never_meet_a_stopping_server(folder: Path) -> None:
    for _ in range(6):  # each arrives while the guardian is about to stop the server, or has just done so
        with running_server(folder) as url:
            assert ask(url) == 1


def test_many_users_starting_at_once_share_one_server(folder: Path) -> None:
    answers: list[object] = []

    def use() -> None:
        with running_server(folder) as url:
            answers.append(ask(url, "select pg_postmaster_start_time()::text"))
            everybody.wait(60)

    everybody = threading.Barrier(5)
    threads = [threading.Thread(target=use) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 5
    assert len(set(answers)) == 1


def test_a_killed_server_is_recovered_although_a_foreign_process_has_its_number(folder: Path) -> None:
    with running_server(folder) as url:
        with psycopg.connect(url) as connection:
            connection.execute("create table kept as select 7 as seven")
        os.kill(postmaster(folder), signal.SIGKILL)
        wait_for_stop(folder)
        stale = folder / "postgres" / "postmaster.pid"
        lines = stale.read_text().splitlines()
        # As after a reboot: the number now belongs to a process of the account that runs Postgres.
        owner = (folder / "postgres").stat().st_uid
        with subprocess.Popen(["sleep", "600"], user=owner if os.geteuid() == 0 else None) as foreign:
            try:
                stale.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
                with running_server(folder) as again:
                    assert ask(again, "select seven from kept") == 7
            finally:
                foreign.kill()


def test_a_killed_guardian_is_replaced_by_the_next_user(folder: Path) -> None:
    user = User(folder)
    listing = subprocess.run(["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in listing.splitlines() if "guardian.py" in line and str(folder) in line]
    os.kill(int(line.split()[0]), signal.SIGKILL)
    lock = guardian.open_lock(folder, "guardian.lock")
    fcntl.flock(lock, fcntl.LOCK_EX)  # a signal is no death yet: the lock comes free with that
    os.close(lock)
    user.kill()
    with running_server(folder) as url:  # the server still ran, without a guardian
        assert ask(url) == 1
    wait_for_stop(folder)


def test_data_of_another_major_version_are_left_alone(folder: Path) -> None:
    with running_server(folder):
        pass
    wait_for_stop(folder)
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(MigrationError, match="Postgres 16") as caught, running_server(folder):
        pass
    assert "pg_dumpall" in caught.value.hint


@pytest.mark.parametrize("name", ["long" + "g" * 120, "Ünï cödé, 'quotes' and $HOME"])
def test_a_folder_with_a_long_or_odd_name_works(tmp_path: Path, name: str) -> None:
    with running_server(tmp_path / name) as url:
        assert ask(url) == 1
        sockets = str(ask(url, "show unix_socket_directories"))
        assert len(f"{sockets}/.s.PGSQL.5432") < 100
    wait_for_stop(tmp_path / name)


def test_a_broken_configuration_is_reported_with_the_servers_words(folder: Path) -> None:
    with running_server(folder):
        pass
    wait_for_stop(folder)
    with (folder / "postgres" / "postgresql.auto.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(DatabaseUnavailable, match="errors") as caught, running_server(folder):
        pass
    assert "postgres.log" in caught.value.hint


def test_a_half_made_folder_is_made_anew(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    with running_server(folder) as url:
        assert ask(url) == 1


def test_a_file_in_the_place_of_the_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(OutputError, match="cannot be made"), running_server(tmp_path / "data"):
        pass
