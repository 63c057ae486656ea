"""Keys of model providers that are kept in the database, of an organisation or of the installation, encrypted at rest.

Fernet of `cryptography` (AES-128-CBC and HMAC-SHA256). The master keys are settings: the first one encrypts, all of
them decrypt, so that it can be replaced without a stop. What is encrypted names its owner and provider: a row that is
copied to another organisation is of no use there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg.rows import class_row, scalar_row
from pydantic import SecretStr

from coursewright.db.pool import Pool, connected, transaction
from coursewright.db.queries import fetch_all, sql
from coursewright.errors import ConfigurationError, InvalidRequest, NotFound
from coursewright.llm.providers.wiring import fingerprint

NAMES = ("openai", "anthropic", "compatible")
_SETTING = "COURSEWRIGHT_MASTER_KEYS"
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key as it is listed: everything but the key. `organisation_id` None: the installation's."""

    id: UUID
    organisation_id: UUID | None
    provider: str
    fingerprint: str
    name: str
    created_at: datetime
    refused_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsableKey:
    """A key that may be used. `owner` None: the installation's. `refused`: its vendor took it no more."""

    owner: UUID | None
    fingerprint: str
    key: SecretStr
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    organisation_id: UUID | None
    provider: str
    fingerprint: str
    secret: bytes
    refused: bool = False


class ProviderKeys:
    """The keys in the database. `master_keys`: of the settings, with commas between them; the first one encrypts."""

    def __init__(self, pool: Pool, master_keys: SecretStr | None) -> None:
        self._pool = pool
        self._master_keys = master_keys

    async def add(self, provider: str, key: SecretStr, organisation_id: UUID | None, name: str) -> ProviderKey:
        """Put a key in force at once, before older ones. Raises InvalidRequest, ConfigurationError."""
        secret = key.get_secret_value().strip()
        if provider not in NAMES:
            raise InvalidRequest(f"There is no provider {provider!r}.", hint=f"Providers: {', '.join(NAMES)}.")
        if len(secret) < _SHORTEST or not secret.isascii() or any(character.isspace() for character in secret):
            raise InvalidRequest("That is no key of a provider.", hint="Copy the whole key, and nothing around it.")
        values = {
            "organisation": organisation_id,
            "provider": provider,
            "fingerprint": fingerprint(secret),
            "name": name,
            "secret": self._cipher().encrypt(_sealed(organisation_id, provider, secret)),
        }
        async with connected(self._pool) as connection, connection.cursor(row_factory=class_row(ProviderKey)) as cursor:
            await cursor.execute(sql(__package__, "add_provider_key"), values)
            added = await cursor.fetchone()
        assert added is not None  # noqa: S101 - an insert returns its row
        return added

    async def all(self) -> list[ProviderKey]:
        """Return every key without the key, those in force first."""
        async with connected(self._pool) as connection:
            return await fetch_all(connection, ProviderKey, sql(__package__, "list_provider_keys"), {})

    async def revoke(self, key_id: UUID) -> None:
        """End a key and forget it; processes that run stop using it within seconds. Raises NotFound."""
        async with connected(self._pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, "revoke_provider_key"), {"id": key_id})
            if await cursor.fetchone() is None:
                raise NotFound(
                    f"There is no key {key_id} in force.", hint="`coursewright provider-keys list` shows them."
                )

    async def encrypt_anew(self) -> int:
        """Encrypt every key with the first master key; after that the others can be dropped. Returns how many."""
        cipher = self._cipher()
        async with transaction(self._pool) as connection:
            rows = await fetch_all(connection, _Row, sql(__package__, "all_provider_secrets"), {})
            for row in rows:
                secret = cipher.encrypt(_sealed(row.organisation_id, row.provider, self._open(row)))
                await connection.execute(sql(__package__, "replace_provider_secret"), {"id": row.id, "secret": secret})
        return len(rows)

    async def usable(self, provider: str, organisation_id: UUID | None) -> list[UsableKey]:
        """Return the keys that an organisation may use, the one to use first: its own, or else the installation's.

        Raises ConfigurationError when they cannot be decrypted: another one's key is no substitute for one's own.
        """
        parameters = {"provider": provider, "organisation": organisation_id}
        async with connected(self._pool) as connection:
            rows = await fetch_all(connection, _Row, sql(__package__, "usable_provider_keys"), parameters)
        return [
            UsableKey(row.organisation_id, row.fingerprint, SecretStr(self._open(row)), row.refused) for row in rows
        ]

    async def refused(self, provider: str, used: str, owner: UUID | None) -> bool:
        """Note that a provider took the key with this fingerprint no more. True: its owner has another one to try."""
        parameters = {"provider": provider, "fingerprint": used, "owner": owner}
        async with connected(self._pool) as connection, connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(sql(__package__, "refuse_provider_key"), parameters)
            return bool(await cursor.fetchone())

    def _open(self, row: _Row) -> str:
        try:
            owner, provider, key = json.loads(self._cipher().decrypt(bytes(row.secret)))
        except (InvalidToken, ValueError) as error:
            raise ConfigurationError(
                f"The {row.provider} key {row.fingerprint} was encrypted with a master key that is not set.",
                hint=f"Add the earlier master key at the end of {_SETTING}, or add the provider key again.",
            ) from error
        if (owner, provider) != (_owner(row.organisation_id), row.provider):
            raise ConfigurationError(
                f"The {row.provider} key {row.fingerprint} belongs to somebody else.",
                hint="Somebody has copied the row. Revoke it, and add the right key.",
            )
        return str(key)

    def _cipher(self) -> MultiFernet:
        given = self._master_keys.get_secret_value() if self._master_keys else ""
        parts: Sequence[str] = [part.strip() for part in given.split(",") if part.strip()]
        hint = f"`coursewright provider-keys master` prints one; set it as {_SETTING} wherever the program runs."
        if not parts:
            raise ConfigurationError("Keys of providers are kept encrypted, and no master key is set.", hint=hint)
        try:
            return MultiFernet([Fernet(part) for part in parts])
        except ValueError as error:
            raise ConfigurationError(f"{_SETTING} holds something that is no master key.", hint=hint) from error


def new_master_key() -> str:
    """Return a new random master key."""
    return Fernet.generate_key().decode()


def _sealed(owner: UUID | None, provider: str, key: str) -> bytes:
    return json.dumps([_owner(owner), provider, key]).encode()


def _owner(organisation_id: UUID | None) -> str:
    return "" if organisation_id is None else str(organisation_id)


__all__ = ["NAMES", "ProviderKey", "ProviderKeys", "UsableKey", "new_master_key"]
