"""The `rewrites()` of the documentation in a real Next.js before the real service."""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.conftest import cloned
from tests.deploy.files import ROOT
from tests.deploy.service import BASE, ENVIRONMENT, finished, token, upload
from tests.integration.api.server import free_port, serving

NEXT = ROOT / ".cache/next"
PROGRAM = NEXT / "node_modules/next/dist/bin/next"
PAGE = (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists() or NODE is None, reason="Next.js is not there: scripts/fetch_next.sh fetches it (needs npm)"
)


@dataclass(frozen=True)
class Site:
    """A front end and the service behind it."""

    address: str
    service: str

    def ask(self, method: str, path: str, **options: object) -> httpx2.Response:
        session = json.dumps({"access_token": token(), "token_type": "bearer"})
        cookie = "base64-" + base64.urlsafe_b64encode(session.encode()).decode().rstrip("=")
        headers = {"Cookie": f"sb-project-auth-token={cookie}", "Origin": self.address}
        return httpx2.request(method, self.address + path, headers=headers, timeout=60, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def site(
    database_server: str, template_database: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    tmp_path = tmp_path_factory.mktemp("next")
    with cloned(database_server, template_database, worker_id) as url:
        yield from _site(url, tmp_path)


def _site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    (config,) = re.findall(r"```js\n(.*?rewrites.*?)```", PAGE, re.DOTALL)
    folder = Path(tempfile.mkdtemp(prefix="site-", dir=NEXT))  # below the packages that it imports
    try:
        (folder / "next.config.mjs").write_text(config)
        (folder / "package.json").write_text("{}")
        (folder / "pages/api/knowledge-base").mkdir(parents=True)
        (folder / "pages/index.js").write_text("export default function Home() { return 'home' }\n")
        own = "export default function handler(request, response) { response.json({ mine: true }) }\n"
        (folder / "pages/api/hello.js").write_text(own)
        (folder / "pages/api/knowledge-base/documents.js").write_text(own)  # the app's old route, now the service's
        environment = ENVIRONMENT | {"COURSEWRIGHT_API__CORS_ORIGINS": json.dumps([address])}
        with serving(database_url, tmp_path, "--workers", "1", environment=environment) as service:
            with (tmp_path / "next.log").open("w") as log:
                process = subprocess.Popen(
                    [str(NODE), str(PROGRAM), "dev", "--hostname", "127.0.0.1", "--port", str(port)],
                    cwd=folder,
                    env=os.environ | {"COURSEWRIGHT_URL": service, "NEXT_TELEMETRY_DISABLED": "1", "CI": "1"},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            try:
                _wait(process, address, tmp_path / "next.log")
                yield Site(address, service)
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            assert httpx2.get(f"{address}/api/hello", timeout=60).json() == {"mine": True}
        except httpx2.HTTPError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        else:
            return


def test_the_pages_reach_the_service_with_their_cookie(site: Site) -> None:
    upload(site.service)
    documents = site.ask("GET", f"/api/knowledge-base/documents?base_class_id={BASE}")
    assert len(documents.json()["documents"]) == 3, documents.text
    asked = site.ask("POST", "/api/course-generation/v2", json={"baseClassId": str(BASE), "title": "Bees"})
    assert asked.status_code == 202, asked.text
    job_id = asked.json()["jobId"]

    # Events come while the job is under way, not when the answer ends.
    headers = {"Authorization": f"Bearer {token()}"}
    with httpx2.stream(
        "GET", f"{site.address}/api/course-generation/v2/events/{job_id}", headers=headers, timeout=60
    ) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        text = ""
        for part in events.iter_text():
            text += part
            if "id: " in text:
                break
    assert "id: " in text

    assert finished(site.service, job_id)["status"] == "completed"
    course = site.ask("GET", f"/api/courses/{job_id}/export?format=markdown")
    assert course.text.startswith("# Bees"), course.text[:200]
    newest = site.ask("GET", "/api/course-generation/active-jobs").json()
    assert job_id in json.dumps(newest)


def test_what_is_not_the_services_stays_the_apps(site: Site) -> None:
    assert site.ask("GET", "/api/hello").json() == {"mine": True}
    assert "home" in site.ask("GET", "/").text
    missing = site.ask("GET", "/api/course-generation/v2/job/00000000-0000-4000-8000-000000000000")
    assert missing.status_code == 404
    assert missing.json()["success"] is False
