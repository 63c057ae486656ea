"""JSON Web Tokens of Supabase, or of the same form: HS256 with a shared secret, ES256 and RS256 with published keys.

Which algorithms are allowed follows from what is configured, never from the token (RFC 8725, section 3.1).
Organisation and role come from claims, or from a query of the app's own tables.
"""

import asyncio
import json
import logging
import time
from typing import Any
from uuid import UUID

import httpx2
import jwt
import psycopg
from psycopg.rows import dict_row

from coursewright.access.principal import Principal
from coursewright.db.pool import Pool, is_unavailable, mapped_errors
from coursewright.errors import ConfigurationError, Forbidden, IssuerUnavailable, Unauthenticated
from coursewright.settings import AuthSettings

_log = logging.getLogger(__name__)

_LEEWAY = 10.0  # seconds by which the issuer's clock and ours may differ
_KEYS_LAST = 600.0  # seconds before published keys are fetched again
_SECONDS_BETWEEN_FETCHES = 10.0  # an unknown key id costs one fetch, not one a request


class Tokens:
    """Checks tokens and finds out whom they stand for."""

    def __init__(self, settings: AuthSettings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool
        self._published = _PublishedKeys(settings.jwks_url) if settings.jwks_url else None

    @property
    def configured(self) -> bool:
        """Tell whether tokens are accepted at all."""
        return bool(self._settings.jwt_secret or self._published)

    async def holder(self, token: str) -> Principal:
        """Return whom a token stands for.

        Raises Unauthenticated, IssuerUnavailable, and Forbidden for a user without an organisation.
        """
        claims = await self._claims(token)
        try:
            user_id = UUID(str(claims["sub"]))
        except ValueError as error:
            raise Unauthenticated("The token's subject is not the id of a user.") from error
        if self._settings.membership_query:
            organisation, role = await self._membership(user_id)
        else:
            organisation = _at(claims, self._settings.organisation_claim)
            role = _at(claims, self._settings.role_claim)
        try:
            organisation_id = UUID(str(organisation))
        except ValueError as error:
            claim = f"the claim {self._settings.organisation_claim}"
            sought = "COURSEWRIGHT_AUTH__MEMBERSHIP_QUERY" if self._settings.membership_query else claim
            raise Forbidden(
                "The user belongs to no organisation.",
                hint=f"Somebody has to add the user to one; then sign in again. It is sought in {sought}.",
            ) from error
        return Principal(organisation_id, user_id, str(role or self._settings.default_role))

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            key: Any
            if algorithm == "HS256" and self._settings.jwt_secret:
                key = self._settings.jwt_secret.get_secret_value()
            elif algorithm in ("ES256", "RS256") and self._published:
                key = await self._published.key(str(jwt.get_unverified_header(token).get("kid")))
            else:
                raise Unauthenticated("Tokens signed in this way are not accepted here.")
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._settings.jwt_audience,
                issuer=self._settings.jwt_issuer,
                leeway=_LEEWAY,
                options={"require": ["exp", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"The token is not valid: {error}.", hint="Sign in again.") from error

    async def _membership(self, user_id: UUID) -> tuple[Any, Any]:
        query = (self._settings.membership_query or "").encode()
        with mapped_errors():
            try:
                async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                    await cursor.execute(query, {"user_id": user_id})
                    row = await cursor.fetchone() or {}
            except psycopg.Error as error:
                if is_unavailable(error):
                    raise
                raise ConfigurationError(
                    f"auth.membership_query fails: {error}".strip(), hint="Mend COURSEWRIGHT_AUTH__MEMBERSHIP_QUERY."
                ) from error
        return row.get("organisation_id"), row.get("role")


class _PublishedKeys:
    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, Any] = {}
        self._fetched = -_KEYS_LAST
        self._away = False
        self._lock = asyncio.Lock()

    async def key(self, key_id: str) -> Any:
        async with self._lock:
            age = time.monotonic() - self._fetched
            if age > _KEYS_LAST or (key_id not in self._keys and age > _SECONDS_BETWEEN_FETCHES):
                await self._fetch()
        if key_id not in self._keys and self._away:
            raise IssuerUnavailable(
                "The keys that tokens are checked with cannot be fetched from their issuer at the moment.",
                hint="Try again; the operator may look at COURSEWRIGHT_AUTH__JWKS_URL.",
            )
        if key_id not in self._keys:
            raise Unauthenticated("The token is signed with a key that its issuer does not publish.")
        return self._keys[key_id]

    async def _fetch(self) -> None:
        try:
            async with httpx2.AsyncClient(timeout=5.0) as client:
                answer = await client.get(self._url)
                answer.raise_for_status()
            found = jwt.PyJWKSet.from_dict(json.loads(answer.content))
        except (httpx2.HTTPError, ValueError, jwt.PyJWTError) as error:
            # Keys that were good a moment ago are still good: a short outage of the issuer locks nobody out.
            _log.warning("published keys could not be fetched: %s", error)
            self._away = True
        else:
            self._keys = {key.key_id: key.key for key in found.keys if key.key_id}
            self._away = False
        self._fetched = time.monotonic()


def _at(claims: dict[str, Any], path: str) -> Any:
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


__all__ = ["Tokens"]
