"""The steps of the Dockerfile without Docker: built from what it copies, run as somebody without rights."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.deploy.files import ROOT, dockerfile
from tests.integration.api.server import free_port

pytestmark = pytest.mark.slow
NOBODY = 65534


def interpreter() -> Path:
    """Return a Python that others may start too; as root, that of the user may lie in a closed folder."""
    own, systems = Path(getattr(sys, "_base_executable", sys.executable)).resolve(), Path("/usr/bin/python3")
    if all(parent.stat().st_mode & 0o001 for parent in own.parents):
        return own
    if not systems.exists():
        pytest.skip(f"{own} is closed to other users, and there is no other Python")
    return systems


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """Carry out the first stage; the folder stands for the root of the image."""
    folder = Path(tempfile.mkdtemp(prefix="cw-image-"))  # pytest's own folders are closed to others
    folder.chmod(0o755)
    programs = folder / "programs"
    programs.mkdir()
    (programs / "python").symlink_to(interpreter())
    source = folder / "source"
    source.mkdir()
    arguments = dict(rest.split("=") for name, rest in dockerfile() if name == "ARG")
    try:
        for name, rest in dockerfile():
            if name == "COPY" and "--from" not in rest:
                *paths, target = rest.split()
                for path in paths:
                    to = source / target if target != "./" else source / Path(path).name
                    if (ROOT / path).is_dir():
                        shutil.copytree(ROOT / path, to, ignore=shutil.ignore_patterns("__pycache__"))
                    else:
                        shutil.copy(ROOT / path, to)
            elif name == "RUN":
                command = rest.replace("/opt/coursewright", str(folder / "opt"))
                command = re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], command)
                environment = os.environ | {"PATH": f"{programs}:/usr/bin:/bin", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
                subprocess.run(["sh", "-euc", command], cwd=source, env=environment, check=True)
                break  # the second one makes the user, which is somebody else here
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Container:
    """A process as the image starts it: another user, a working folder that cannot be written to."""

    def __init__(self, image: Path, words: list[str], **variables: str) -> None:
        data = image / "data"
        data.mkdir(exist_ok=True)
        self.environment = {
            "PATH": f"{image}/opt/bin:/usr/bin:/bin", "HOME": "/nonexistent", "COURSEWRIGHT_DATA_DIR": str(data),
            "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
        } | variables  # fmt: skip
        self.other: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(data, NOBODY, NOBODY)
            self.other = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.log = image / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(words, cwd=image, env=self.environment, stderr=log, text=True, **self.other)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, cwd="/", **self.other)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def test_the_image_serves_heals_and_stops(image: Path) -> None:
    """As it is: the embedded Postgres in /data, a worker in the same process, the port that the host says.

    Without a key it does not start, and says what to do.
    """
    told = dict(dockerfile())
    command, health = json.loads(told["CMD"]), json.loads(told["HEALTHCHECK"].partition("CMD ")[2])
    port = free_port()
    refused = Container(image, command, PORT=str(port))
    assert refused.process.wait(timeout=120) == 78
    assert "coursewright keys create" in refused.log.read_text()
    keys = Container(image, ["coursewright", "keys", "create", "front end", "--json"])
    assert keys.process.wait(timeout=120) == 0, keys.log.read_text()
    served = Container(image, command, PORT=str(port))
    try:
        deadline = time.monotonic() + 60
        while served.run(*health).returncode != 0:
            assert served.process.poll() is None, served.log.read_text()
            assert time.monotonic() < deadline, served.log.read_text()
            time.sleep(0.2)
        ready = httpx2.get(f"http://127.0.0.1:{port}/readyz").json()
        assert ready["status"] == "ok", ready
    finally:
        code = served.stop()
    assert code == 0, served.log.read_text()
    assert served.run(*health).returncode != 0, "a server that is gone is not healthy"
    assert '"level": "error"' not in served.log.read_text()


def test_the_image_holds_no_installer_and_no_tests(image: Path) -> None:
    packages = {path.name for path in (image / "opt" / "lib").glob("python*/site-packages/*")}
    assert {"coursewright", "openai", "anthropic", "bullmq"} <= packages
    assert not packages & {"pip", "pytest", "mypy", "tests"}
