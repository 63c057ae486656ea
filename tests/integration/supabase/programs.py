"""The program beside the application, and what the tests of both ask the database."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import psycopg

from coursewright.app import Coursewright
from coursewright.db.pool import open_pool
from coursewright.settings import DatabaseSettings, Settings
from tests.integration.supabase.conftest import USER

OURS, BASE = UUID(int=0xA), UUID(int=0xBA)


def insert(connection: psycopg.Connection[Any], data: object) -> UUID:
    """Insert a job as the application does: two rows in plain SQL."""
    job_id = uuid4()
    connection.execute(
        """insert into public.course_generation_jobs (id, user_id, organisation_id, base_class_id, job_type, job_data)
           values (%s, %s, %s, %s, 'generate_course_v2', %s)""",
        [job_id, USER, OURS, BASE, json.dumps(data)],
    )
    connection.execute("insert into public.course_generation_queue (job_id, priority) values (%s, 5)", [job_id])
    return job_id


@contextlib.asynccontextmanager
async def program(url: str, **sections: Any) -> AsyncIterator[Coursewright]:
    """Open the program; `sections` are those of the settings."""
    documents = {"readers": 1, **sections.pop("documents", {})}
    settings = Settings.model_validate({"DATABASE_URL": url, "documents": documents, **sections})
    async with open_pool(url, DatabaseSettings()) as pool:
        opened = Coursewright(settings, url, pool)
        async with contextlib.aclosing(opened.apart):
            yield opened
