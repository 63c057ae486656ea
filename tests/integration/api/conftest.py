"""The application in this process, on a database of its own, for two organisations that must not see each other."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from fastapi import FastAPI

from coursewright.api.application import create_app
from coursewright.app import Coursewright
from coursewright.db.pool import Pool
from coursewright.settings import Settings

HANDBOOK = Path(__file__).parents[3] / "examples" / "knowledge-base"
OURS, THEIRS = UUID(int=0xA), UUID(int=0xB)
SMALL = ("01-the-colony.md", "05-inspections.md", "11-glossary.html")


@dataclass
class Caller:
    """A client with a key, and who it is."""

    http: httpx2.AsyncClient
    organisation: UUID
    user: UUID
    key: str


@dataclass
class Service:
    """The application, and clients of two organisations."""

    app: FastAPI
    program: Coursewright
    ours: Caller
    theirs: Caller
    anonymous: httpx2.AsyncClient

    async def upload(self, *names: str, base: UUID | None = None, by: Caller | None = None) -> UUID:
        """Put documents of the handbook into a knowledge base and have them read."""
        base = base or uuid4()
        for name in names or SMALL:
            answer = await (by or self.ours).http.post(
                "/api/knowledge-base/upload",
                files={"file": (name, (HANDBOOK / name).read_bytes())},
                data={"base_class_id": str(base)},
            )
            assert answer.status_code == 202, answer.text
        while await self.program.intake.once():
            pass
        return base

    async def ask(self, base: UUID, by: Caller | None = None, **body: Any) -> UUID:
        """Ask for a course and return the job's id."""
        answer = await (by or self.ours).http.post(
            "/api/course-generation/v2", json={"baseClassId": str(base), "title": "Bees"} | body
        )
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["jobId"])

    async def course(self, by: Caller | None = None, **body: Any) -> tuple[UUID, UUID]:
        """Have a small course made; return the knowledge base and the job."""
        base = await self.upload(by=by)
        job_id = await self.ask(base, by=by, **body)
        await self.program.finish(job_id)
        return base, job_id


def settings_for(url: str, **sections: Any) -> Settings:
    return Settings.model_validate({"DATABASE_URL": url, "documents": {"readers": 1}} | sections)


@contextlib.asynccontextmanager
async def served(pool: Pool, url: str, *, local: bool = False, **sections: Any) -> AsyncIterator[Service]:
    """Serve on a database; `sections` are those of the settings."""
    settings = settings_for(url, **sections)
    program = Coursewright(settings, url, pool)

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Coursewright]:
        yield program

    app = create_app(settings, opened, local=local)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(program.providers.aclose)
        stack.push_async_callback(program.apart.aclose)
        await stack.enter_async_context(app.router.lifespan_context(app))

        async def client(key: str = "") -> httpx2.AsyncClient:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            made = httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)
            return await stack.enter_async_context(made)

        async def caller(organisation: UUID) -> Caller:
            user = uuid4()
            key, _ = await program.keys.create("test", organisation, user, "super_admin")
            return Caller(await client(key), organisation, user, key)

        anonymous = await client()
        if local:  # keys would end it
            nobody = Caller(anonymous, UUID(int=0), UUID(int=0), "")
            yield Service(app, program, nobody, nobody, anonymous)
        else:
            yield Service(app, program, await caller(OURS), await caller(THEIRS), anonymous)


@pytest.fixture
async def service(pool: Pool, database_url: str) -> AsyncIterator[Service]:
    """The service without limits."""
    networks = {"url_networks": ["127.0.0.0/8"]}
    async with served(pool, database_url, limits={"enabled": False}, api=networks) as started:
        yield started
