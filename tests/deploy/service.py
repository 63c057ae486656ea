"""The service that the files of `deploy/supabase` call: real, on loopback, with a user's token."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import jwt

SECRET = "a secret of thirty-two characters"
CRON_SECRET = "the secret of the timer"
HANDBOOK = Path(__file__).parents[2] / "examples" / "knowledge-base"
OURS, BASE, USER = UUID(int=0xA), UUID(int=0xBA), UUID(int=0xC)
ENVIRONMENT = {
    "COURSEWRIGHT_AUTH__JWT_SECRET": SECRET,
    "CRON_SECRET": CRON_SECRET,
    "COURSEWRIGHT_DOCUMENTS__READERS": "1",
    "COURSEWRIGHT_LIMITS__ENABLED": "false",
}


def token(**claims: Any) -> str:
    """Return a token as Supabase gives it to a user who has signed in."""
    told = {
        "sub": str(USER),
        "aud": "authenticated",
        "exp": int(time.time()) + 600,
        "app_metadata": {"organisation_id": str(OURS), "role": "teacher"},
    }
    return jwt.encode(told | claims, SECRET, "HS256")


def upload(service: str) -> None:
    """Put some documents of the handbook into the knowledge base."""
    for name in ("01-the-colony.md", "05-inspections.md", "11-glossary.html"):
        answer = httpx2.post(
            f"{service}/api/knowledge-base/upload",
            files={"file": (name, (HANDBOOK / name).read_bytes())},
            data={"base_class_id": str(BASE)},
            headers={"Authorization": f"Bearer {token()}"},
        )
        assert answer.status_code == 202, answer.text


def finished(service: str, job_id: str, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Ask for a job's status until it has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        answer = httpx2.get(
            f"{service}/api/knowledge-base/generation-status/{job_id}", headers={"Authorization": f"Bearer {token()}"}
        )
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()["job"]
        if job["status"] in ("completed", "failed"):
            return job
        meanwhile()
        time.sleep(0.1)
    raise AssertionError(f"the job did not end: {job}")


__all__ = ["BASE", "CRON_SECRET", "ENVIRONMENT", "OURS", "SECRET", "USER", "finished", "token", "upload"]
