"""Fetches documents from the web for users who name a URL, and never from where only this machine can reach.

Redirects are followed by hand, each through the same check.
"""

import asyncio
import re
import ssl
from email.message import Message
from urllib.parse import unquote, urljoin, urlsplit

import httpcore2
from pydantic import AnyUrl, TypeAdapter

from coursewright import __version__
from coursewright.errors import InvalidRequest, TooLarge, UnreadableDocument
from coursewright.outward import PublicNetwork, Resolve, resolve, target
from coursewright.settings import ApiSettings

_MOST_REDIRECTS = 5
_URL = TypeAdapter(AnyUrl)
_HINT = "Upload the file, or allow its network in COURSEWRIGHT_API__URL_NETWORKS."


class Fetcher:
    """Fetches over http and https within limits of size and time."""

    def __init__(self, settings: ApiSettings, resolve: Resolve = resolve) -> None:
        self._most = settings.max_upload_mb << 20
        self._seconds = settings.url_seconds
        self._network = PublicNetwork(settings.url_networks, resolve, hint=_HINT)

    async def check(self, url: str) -> None:
        """Raise InvalidRequest when a URL cannot be fetched from here, as far as that can be told beforehand."""
        host, port = target(url)
        await self._network.addresses(host, port)

    def name_of(self, url: str) -> str:
        """Return a name for the document: host and path, so that two pages of a site have two names."""
        parts = urlsplit(url)
        path = unquote(parts.path).strip("/") or "index"
        query = re.sub(r"[^\w]+", "-", unquote(parts.query)).strip("-")
        return f"{parts.hostname}/{path}" + (f"-{query}" if query else "")

    async def __call__(self, url: str) -> tuple[bytes, str | None]:
        """Return the content of a URL and its content type.

        Raises InvalidRequest (not allowed), TooLarge, UnreadableDocument (it does not come).
        """
        url = _whole(url)
        try:
            async with (
                asyncio.timeout(self._seconds),
                httpcore2.AsyncConnectionPool(
                    network_backend=self._network, ssl_context=ssl.create_default_context(), max_connections=1
                ) as pool,
            ):
                return await self._follow(pool, url)
        except TimeoutError as error:
            raise UnreadableDocument(
                url,
                f"{url} did not come within {self._seconds:g} seconds",
                hint="Try again, or download the file and upload it.",
            ) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            why = str(error) or type(error).__name__
            raise UnreadableDocument(url, f"{url} cannot be fetched: {why}", hint="Is the address right?") from error

    async def _follow(self, pool: httpcore2.AsyncConnectionPool, url: str) -> tuple[bytes, str | None]:
        for _ in range(_MOST_REDIRECTS + 1):
            target(url)
            headers: dict[bytes | str, bytes | str] = {
                "Host": urlsplit(url).netloc.rpartition("@")[2],
                "User-Agent": f"coursewright/{__version__}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            }
            async with pool.stream("GET", url, headers=headers) as answer:
                told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                if answer.status in (301, 302, 303, 307, 308) and "location" in told:
                    url = _whole(told["location"], url)
                    continue
                if answer.status != 200:
                    raise UnreadableDocument(url, f"{url} answers {answer.status}", hint="Is the address right?")
                return await self._content(url, answer, told), _media_type(told.get("content-type"))
        raise UnreadableDocument(
            url, f"{url} redirects more than {_MOST_REDIRECTS} times", hint="Name the last address."
        )

    async def _content(self, url: str, answer: httpcore2.Response, told: dict[str, str]) -> bytes:
        length = told.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            raise self._too_large(url)
        content = bytearray()
        async for piece in answer.aiter_stream():
            content += piece
            if len(content) > self._most:
                raise self._too_large(url)
        return bytes(content)

    def _too_large(self, url: str) -> TooLarge:
        return TooLarge(
            f"{url} is larger than {self._most >> 20} MB", hint="Split it, or raise COURSEWRIGHT_API__MAX_UPLOAD_MB."
        )


def _whole(url: str, base: str = "") -> str:
    """Return a URL as it goes over the wire: pages redirect to blanks, umlauts and names in any script."""
    try:
        # Header fields came as Latin-1, which loses nothing; what servers mean is UTF-8, as browsers know.
        plain = url.encode("latin-1").decode() if base else url
    except UnicodeError:
        plain = url
    try:
        return str(_URL.validate_python(urljoin(base, plain)))
    except ValueError as error:
        where = f"{base} leads to {plain[:200]}, which" if base else plain[:200]
        raise InvalidRequest(f"{where} is not a URL.", hint="Check the URL.") from error


def _media_type(told: str | None) -> str | None:
    if not told:
        return None
    message = Message()
    message["content-type"] = told
    return message.get_content_type()


__all__ = ["Fetcher"]
