"""A client that knows nothing but the routes drives a course from upload to export; the server is a real process."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest

from tests.integration.api.conftest import HANDBOOK
from tests.integration.api.server import serving


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[str]:
    """Address of a server with a worker."""
    with serving(database_url, tmp_path) as address:
        yield address


async def test_from_upload_to_export(server: str) -> None:
    base = str(uuid4())
    async with httpx2.AsyncClient(base_url=server, timeout=60) as http:
        assert (await http.get("/healthz")).json()["status"] == "ok"
        assert (await http.get("/readyz")).status_code == 200

        for path in sorted(HANDBOOK.glob("*.*")):
            answer = await http.post(
                "/api/knowledge-base/upload",
                files={"file": (path.name, path.read_bytes())},
                data={"base_class_id": base},
            )
            assert answer.status_code == 202
            assert answer.json()["status"] == "queued"

        # The course is asked for while the documents are still being read: the job waits for them.
        answer = await http.post(
            "/api/course-generation/v2", json={"baseClassId": base, "title": "Keeping Honey Bees", "priority": 5}
        )
        assert answer.status_code == 202
        job = answer.json()["jobId"]

        async with http.stream("GET", f"/api/course-generation/v2/events/{job}") as stream:
            events = [line.removeprefix("event: ") async for line in stream.aiter_lines() if line.startswith("event: ")]
        assert events[0] == "job_started"
        assert events[-2:] == ["job_completed", "end"]

        status = (await http.get(f"/api/knowledge-base/generation-status/{job}")).json()
        assert status["job"]["status"] == "completed"
        assert status["job"]["progress_percentage"] == 100
        assert status["courseOutline"]["title"] == "Keeping Honey Bees"

        listed = (await http.get("/api/knowledge-base/documents", params={"base_class_id": base})).json()
        assert listed["progress"]["done"] == listed["progress"]["total"] == len(listed["documents"])
        assert {each["status"] for each in listed["documents"]} == {"completed"}

        course = (await http.get(f"/api/courses/{job}")).json()["course"]
        cited = course["sources"][0]
        assert course["modules"]

        packed = await http.get(f"/api/courses/{job}/export", params={"format": "site"})
        assert "site/index.html" in zipfile.ZipFile(io.BytesIO(packed.content)).namelist()

        document = next(each for each in listed["documents"] if each["name"] == cited["document"])
        passage = await http.get(
            "/api/knowledge-base/source-context",
            params={"documentId": document["id"], "chunkId": cited["passage_id"]},
        )
        assert passage.json()["text"]

        assert (await http.delete(f"/api/courses/{job}")).json()["success"] is True
        assert (await http.get(f"/api/courses/{job}")).status_code == 404
        assert (await http.get(f"/api/course-generation/v2/job/{job}")).status_code == 404
