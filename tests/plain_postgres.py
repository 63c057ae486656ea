"""A Postgres 15 or newer from the system, without pgvector: what somebody's own server may be like."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))


def programs() -> Path | None:
    """Return the folder of the oldest server that can be used, or None."""
    for path in PROGRAMS:
        version = path.parts[-3]
        if int(version) >= 15 and not Path(f"/usr/share/postgresql/{version}/extension/vector.control").exists():
            return path.parent
    return None


@contextlib.contextmanager
def plain_postgres(binaries: Path, more_options: str = "") -> Iterator[str]:
    """Run such a server in a temporary folder and yield its URL."""
    folder = Path(tempfile.mkdtemp(prefix="plain-postgres-"))
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # Postgres refuses to run as root
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program: str, *words: str) -> None:
        with (folder / "log").open("a") as log:
            subprocess.run(
                [str(binaries / program), *words],
                cwd=folder,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    try:
        run("initdb", "-D", "data", "-U", "owner", "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c shared_buffers=16MB"
        options += f" {more_options}"
        run("pg_ctl", "start", "-D", "data", "-w", "-o", options)
        try:
            yield f"postgresql://owner@/postgres?host={quote(str(folder), safe='')}"
        finally:
            run("pg_ctl", "stop", "-D", "data", "-m", "immediate", "-w")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["plain_postgres", "programs"]
