"""API keys: shown once, kept as a hash, acting for one user of one organisation in one role, revocable at once.

A key is 32 random bytes, so a plain SHA-256 guards it: there is nothing to guess from.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from coursewright.access.principal import Principal
from coursewright.db.pool import Pool, mapped_errors
from coursewright.db.queries import fetch_all, fetch_one, sql
from coursewright.errors import InvalidRequest, NotFound

ROLES = ("student", "teacher", "admin", "super_admin")
_MARK = "cw_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is listed: everything but the key itself."""

    id: UUID
    prefix: str
    name: str
    organisation_id: UUID
    user_id: UUID
    role: str
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    """The keys of all organisations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, name: str, organisation_id: UUID, user_id: UUID, role: str) -> tuple[str, ApiKey]:
        """Make a key and return it with its listing. Raises InvalidRequest for an unknown role."""
        if role not in ROLES:
            raise InvalidRequest(f"There is no role {role!r}.", hint="Roles: " + ", ".join(ROLES) + ".")
        key = _MARK + secrets.token_urlsafe(32)
        values = {
            "prefix": key[:9],
            "sha256": _digest(key),
            "name": name,
            "organisation_id": organisation_id,
            "user_id": user_id,
            "role": role,
        }
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(ApiKey)) as rows:
                await rows.execute(sql(__package__, "create_key"), values)
                made = await rows.fetchone()
        assert made is not None  # noqa: S101 - an insert returns its row
        return key, made

    async def all(self) -> list[ApiKey]:
        """Return every key, newest first, revoked ones too."""
        with mapped_errors():
            async with self._pool.connection() as connection:
                return await fetch_all(connection, ApiKey, sql(__package__, "list_keys"), {})

    async def revoke(self, key_id: UUID) -> None:
        """End a key; requests with it are refused from now on. Raises NotFound."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as rows:
                await rows.execute(sql(__package__, "revoke_key"), {"id": key_id})
                if await rows.fetchone() is None:
                    raise NotFound(f"There is no key {key_id} in force.", hint="`coursewright keys list` shows them.")

    async def beside_application(self) -> bool:
        """Tell whether keys must name users and organisations that an application keeps."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as rows:
                await rows.execute(sql(__package__, "has_application"))
                return bool(await rows.fetchone())

    async def holder(self, key: str) -> Principal | None:
        """Return whom a key stands for, or None when it is not one (any more)."""
        if not key.startswith(_MARK):
            return None
        with mapped_errors():
            async with self._pool.connection() as connection:
                return await fetch_one(connection, Principal, sql(__package__, "holder"), {"sha256": _digest(key)})

    async def exist(self) -> bool:
        """Tell whether any key is or ever was in force: from then on nobody acts without one."""
        with mapped_errors():
            async with self._pool.connection() as connection, connection.cursor(row_factory=scalar_row) as rows:
                await rows.execute(sql(__package__, "keys_exist"))
                return bool(await rows.fetchone())


def looks_like_key(credential: str) -> bool:
    """Tell whether a credential has the form of a key rather than of a token."""
    return credential.startswith(_MARK)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


__all__ = ["ROLES", "ApiKey", "ApiKeys", "looks_like_key"]
