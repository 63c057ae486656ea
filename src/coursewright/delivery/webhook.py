"""A POST to the application, signed as Standard Webhooks lays down: HMAC-SHA256 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpcore2

from coursewright import __version__
from coursewright.delivery.outcome import Failed
from coursewright.errors import ConfigurationError, InvalidRequest
from coursewright.outward import PublicNetwork, Resolve, resolve, target
from coursewright.settings import DeliverySettings

_log = logging.getLogger(__name__)

_SHORTEST_SECRET = 24  # bytes; the standard asks for 24 to 64
_LONGEST_TOLD = 200  # bytes of a refusal that are kept
_GONE = 410
_HINT = "Set COURSEWRIGHT_DELIVERY__WEBHOOK_SECRET to whsec_ and the output of: openssl rand -base64 32"


class Webhook:
    """Posts to one address, over http or https. It must be a public one, or in a network that the settings allow."""

    def __init__(self, url: str, settings: DeliverySettings, resolve: Resolve = resolve) -> None:
        """Raises ConfigurationError for an address or a secret that cannot be used."""
        self._url = url
        self._seconds = settings.webhook_seconds
        self._network = PublicNetwork(
            settings.networks, resolve, hint="Allow its network in COURSEWRIGHT_DELIVERY__NETWORKS."
        )
        secret = settings.webhook_secret
        self._secrets = [_decoded(each) for each in (secret.get_secret_value() if secret else "").split()]
        if not self._secrets:
            raise ConfigurationError("A webhook needs a secret to be signed with.", hint=_HINT)
        try:
            target(url)
        except InvalidRequest as error:
            raise ConfigurationError(
                f"delivery.webhook_url: {error.detail}", hint="Mend COURSEWRIGHT_DELIVERY__WEBHOOK_URL."
            ) from error

    async def send(self, message_id: str, body: bytes, at: int) -> Failed | None:
        """Deliver a body; `at`: Unix seconds. None: it was taken (any 2xx). Redirects are not followed."""
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("Host", urlsplit(self._url).netloc),
            ("User-Agent", f"coursewright/{__version__}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("webhook-id", message_id),
            ("webhook-timestamp", str(at)),
            ("webhook-signature", sign(self._secrets, message_id, at, body)),
        ]
        try:
            async with (
                asyncio.timeout(self._seconds),
                httpcore2.AsyncConnectionPool(
                    network_backend=self._network, ssl_context=ssl.create_default_context(), max_connections=1
                ) as pool,
                pool.stream("POST", self._url, headers=headers, content=body) as answer,
            ):
                return None if 200 <= answer.status < 300 else await _refused(answer)
        except TimeoutError:
            return Failed(f"it did not answer within {self._seconds:g} seconds")
        except InvalidRequest as error:
            return Failed(f"{error.detail} {error.hint}".strip())
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            return Failed(f"it cannot be reached: {str(error) or type(error).__name__}")


def sign(secrets: Sequence[bytes], message_id: str, at: int, body: bytes) -> str:
    """Return the signatures with all secrets: while one replaces another, the receiver may know either."""
    signed = f"{message_id}.{at}.".encode() + body
    digests = (hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


async def _refused(answer: httpcore2.Response) -> Failed:
    told = bytearray()
    async for piece in answer.aiter_stream():
        told += piece
        if len(told) >= _LONGEST_TOLD:
            break
    text = "".join(char for char in told[:_LONGEST_TOLD].decode(errors="replace") if char.isprintable()).strip()
    headers = {name.lower(): value for name, value in answer.headers}
    after = headers.get(b"retry-after", b"").decode("latin-1")
    _log.warning("the application answered %s: %s", answer.status, text)  # for operators; users read the job's story
    return Failed(
        f"it answered {answer.status}",
        again_in=float(after) if after.isascii() and after.isdecimal() and len(after) < 6 else None,
        final=answer.status == _GONE,
    )


def _decoded(secret: str) -> bytes:
    try:
        decoded = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"delivery.webhook_secret is not base64 of {_SHORTEST_SECRET} bytes or more.", hint=_HINT
        )
    return decoded


__all__ = ["Webhook", "sign"]
