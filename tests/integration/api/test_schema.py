"""Every answer is what the API's own description says: schemathesis over the whole of it, against a real process.

Two runs: one with ids of things that exist (without DELETE, which would end it early), one with whatever comes.
"""

import asyncio
import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coursewright.app import CRON_ROUTE, WEBHOOK_ROUTE
from coursewright.db.pool import open_pool
from coursewright.settings import DatabaseSettings
from tests.integration.api.conftest import Service, served
from tests.integration.api.server import serving
from tests.qstash import CURRENT

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
CHECKS = ",".join(
    (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "ignored_auth",
        "unsupported_method",
    )
)


async def _made(url: str) -> tuple[str, dict[str, str]]:
    """Make a course; return a key and the ids of what there is."""
    async with (
        open_pool(url, DatabaseSettings()) as pool,
        served(pool, url, limits={"enabled": False}) as service,
    ):
        ids = await _ids(service)
        async with pool.connection() as connection:  # ticks find nothing that may begin
            await connection.execute("update coursewright.admission set max_running = 0")
        return service.ours.key, ids


async def _ids(service: Service) -> dict[str, str]:
    base, job = await service.course()
    http = service.ours.http
    document = (await http.get("/api/knowledge-base/documents", params={"base_class_id": str(base)})).json()
    passage = (await http.get(f"/api/courses/{job}")).json()["course"]["sources"][0]
    return {
        "path.jobId": str(job),
        "path.courseId": str(job),
        "query.baseClassId": str(base),
        "query.base_class_id": str(base),
        "query.documentId": next(each["id"] for each in document["documents"] if each["name"] == passage["document"]),
        "query.chunkId": passage["passage_id"],
    }


@pytest.mark.parametrize("known", [True, False], ids=["things that exist", "whatever comes"])
def test_every_answer_is_as_described(known: bool, tmp_path: Path, database_url: str) -> None:
    key, ids = asyncio.run(_made(database_url))
    config = tmp_path / "schemathesis.toml"
    config.write_text("[parameters]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in ids.items() if known))
    options = ["--workers", "0"]  # what is asked for is not carried out: the machine is needed for asking
    public = "http://127.0.0.1:9"
    environment = {
        "COURSEWRIGHT_LIMITS__ENABLED": "false",
        "COURSEWRIGHT_API__METRICS_TOKEN": key,
        "CRON_SECRET": key,
        "OPENAI_WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"a" * 24).decode(),
        "WORKER_URL": public,
        "QSTASH_CURRENT_SIGNING_KEY": CURRENT,
        "COURSEWRIGHT_TICKS__BUDGET": "1",
        "COURSEWRIGHT_TICKS__CHAINS": "0",
    }
    reached = tmp_path / "reached"
    hooks = os.environ | {"SCHEMATHESIS_HOOKS": "tests.integration.api.signed_by_qstash", "PYTHONPATH": str(ROOT)}
    hooks |= {"WEBHOOK_URL": f"{public}{WEBHOOK_ROUTE}", "REACHED": str(reached)}
    hooks |= {"JOB_ID": ids["path.jobId"]} if known else {}
    with serving(database_url, tmp_path, *options, environment=environment) as address:
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run",
            f"{address}/openapi.json", "--header", f"Authorization: Bearer {key}", "--checks", CHECKS,
            "--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "7", "--no-color",
            "--suppress-health-check", "all", "--request-timeout", "20", "--continue-on-failure",
        ]  # fmt: skip
        if known:
            command += ["--exclude-method", "DELETE", "--exclude-path-regex", "/events/"]
        done = subprocess.run(command, cwd=tmp_path, env=hooks, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    ticks = {f"GET {CRON_ROUTE}", f"POST {CRON_ROUTE}"} | ({f"POST {WEBHOOK_ROUTE}"} if known else set())
    assert set(reached.read_text().splitlines()) == ticks
