"""Where the operator's own SQL runs: names without a schema mean the application's tables, and none of ours."""

from typing import Any

import psycopg

from coursewright.db.queries import sql


async def leave_our_schema(connection: psycopg.AsyncConnection[Any]) -> None:
    """Take our schema out of the search path until the transaction ends.

    It is there where the role is called as the schema is: `documents` would then mean ours.
    """
    await connection.execute(sql(__package__, "leave_our_schema"))


__all__ = ["leave_our_schema"]
