"""QStash as a doorbell: a message for every job that is enqueued, which comes back as a signed webhook, also later.

The signature is a JSON Web Token: https://upstash.com/docs/qstash/features/security
"""

import base64
import hashlib
import hmac
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import httpx2
import jwt

from coursewright.errors import ConfigurationError, Unauthenticated

_log = logging.getLogger(__name__)

_SECONDS_OF_GRACE = 5  # between QStash's clock and this one
_SECONDS_TO_PUBLISH = 5.0
_HINT = "Check QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY and WORKER_URL; webhooks are sent by QStash only."


class QStashDoorbell:
    """Publishes messages that QStash delivers to `target`."""

    name = "qstash"

    def __init__(self, token: str, url: str, target: str, *, retries: int = 3) -> None:
        self._publish = f"{url.rstrip('/')}/v2/publish/{target}"
        self._headers = {"Authorization": f"Bearer {token}", "Upstash-Retries": str(retries)}
        self._tls = httpx2.create_ssl_context()  # takes longer than a ring: a tick that ends has no time for it

    async def ring(self, job_id: UUID, at: datetime | None = None) -> bool:
        """Have the webhook called for a job, now or at a time. A message that is lost costs time only."""
        headers = dict(self._headers)
        if at is not None and at > datetime.now(UTC):
            headers["Upstash-Not-Before"] = str(int(at.timestamp()) + 1)
        try:
            async with httpx2.AsyncClient(timeout=_SECONDS_TO_PUBLISH, verify=self._tls) as client:
                answer = await client.post(self._publish, headers=headers, json={"jobId": str(job_id)})
                answer.raise_for_status()
        except httpx2.HTTPError as error:
            _log.warning("QStash did not take the message for job %s: %s", job_id, error)
            return False
        return True


def verify(signature: str, body: bytes, url: str, keys: Sequence[str]) -> None:
    """Check that QStash sent this body to this URL just now, signed with one of the keys. Raises Unauthenticated."""
    if not keys:
        raise ConfigurationError("Webhooks cannot be verified: no signing key is configured.", hint=_HINT)
    why = "it is signed with another key" if signature else "it is not signed"
    for key in keys if signature else ():
        try:
            claims = jwt.decode(
                signature,
                key,
                algorithms=["HS256"],
                issuer="Upstash",
                leeway=_SECONDS_OF_GRACE,
                options={"require": ["iss", "sub", "exp", "nbf"], "enforce_minimum_key_length": False},
            )
        except jwt.InvalidSignatureError:  # perhaps the other key's
            continue
        except jwt.InvalidTokenError as error:
            why = str(error)
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=")
        if claims["sub"] != url:
            why = "it is signed for another address"
        elif not hmac.compare_digest(str(claims.get("body", "")).rstrip("=").encode(), digest):
            why = "its body is not the one that was signed"
        else:
            return
    raise Unauthenticated(f"The webhook is refused: {why}.", hint=_HINT)


__all__ = ["QStashDoorbell", "verify"]
