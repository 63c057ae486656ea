"""The services of compose.yaml as processes, with the variables and commands that stand there: a course, and an end."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from tests.deploy.files import compose, dockerfile
from tests.deploy.service import BASE, ENVIRONMENT, finished, token, upload
from tests.integration.api.server import free_port

SERVICES = compose()["services"]
HERE = {"COURSEWRIGHT_AUTH__JWT_SECRET": ENVIRONMENT["COURSEWRIGHT_AUTH__JWT_SECRET"], "POSTGRES_PASSWORD": "x"}


@contextlib.contextmanager
def running(name: str, folder: Path, **other: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a service, then stop it as Compose does: SIGTERM, and SIGKILL when the time is up."""
    service = SERVICES[name]
    # A variable without a value is passed on from the shell where it is set there.
    variables = {key: HERE.get(key) if value is None else value for key, value in service["environment"].items()}
    environment = {key: value for key, value in (variables | other).items() if value is not None}
    _, *words = shlex.split(service["command"])
    with (folder / name).open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "coursewright", *words],
            cwd=folder,
            env={"PATH": os.environ["PATH"]} | environment,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=float(service["stop_grace_period"].removesuffix("s")))
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, (folder / name).read_text()[-3000:]


def test_the_services_make_a_course_and_stop_in_time(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    check = json.loads(dict(dockerfile())["HEALTHCHECK"].partition("CMD ")[2])
    here = {"DATABASE_URL": database_url, "PORT": str(port), "COURSEWRIGHT_DOCUMENTS__READERS": "1"}
    with running("api", tmp_path, **here) as api:
        deadline = time.monotonic() + 60
        while subprocess.run([sys.executable, *check[1:]], env=here, capture_output=True).returncode:
            assert api.poll() is None, (tmp_path / "api").read_text()
            assert time.monotonic() < deadline
        upload(address)
        asked = httpx2.post(
            f"{address}/api/course-generation/v2",
            json={"baseClassId": str(BASE), "title": "Bees"},
            headers={"Authorization": f"Bearer {token()}"},
        )
        job_id = asked.json()["jobId"]
        with running("worker", tmp_path, **here):  # nobody works before
            assert finished(address, job_id)["status"] == "completed"
    told = (tmp_path / "worker").read_text()
    assert job_id in told
    assert "Stopped." in told
