"""Fetches documents from the web for users who name a URL, and never from where only this machine can reach.

A name is resolved once, every address that it has must be global, and the connection goes to the very address that was
checked, so a name that changes in between gains nothing. Redirects are followed by hand, each through the same check.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from email.message import Message
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import unquote, urljoin, urlsplit

import httpcore2

from coursewright import __version__
from coursewright.errors import InvalidRequest, TooLarge, UnreadableDocument
from coursewright.settings import ApiSettings

_MOST_REDIRECTS = 5
_LARGEST_PIECE = 1 << 20
_PORTS = {"http": 80, "https": 443}


Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system knows them. Raises OSError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Fetcher:
    """Fetches over http and https within limits of size and time."""

    def __init__(self, settings: ApiSettings, resolve: Resolve = resolve) -> None:
        self._most = settings.max_upload_mb << 20
        self._seconds = settings.url_seconds
        self._backend = _GlobalOnly(settings.url_networks, resolve)

    async def check(self, url: str) -> None:
        """Raise InvalidRequest when a URL cannot be fetched from here, as far as that can be told beforehand."""
        host, port = _target(url)
        await self._backend.addresses(host, port)

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
        try:
            async with (
                asyncio.timeout(self._seconds),
                httpcore2.AsyncConnectionPool(
                    network_backend=self._backend, ssl_context=ssl.create_default_context(), max_connections=1
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
            _target(url)
            headers: dict[bytes | str, bytes | str] = {
                "Host": urlsplit(url).netloc.rpartition("@")[2],
                "User-Agent": f"coursewright/{__version__}",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            }
            async with pool.stream("GET", url, headers=headers) as answer:
                told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                if answer.status in (301, 302, 303, 307, 308) and "location" in told:
                    url = urljoin(url, told["location"])
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


class _GlobalOnly(httpcore2.AsyncNetworkBackend):
    """Connects to the address that it has checked, and to no other."""

    def __init__(self, networks: Iterable[str], resolve: Resolve) -> None:
        self._resolve = resolve
        self._tcp = httpcore2.AnyIOBackend()
        self._networks = [ip_network(each) for each in networks]

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name. Raises InvalidRequest when one of them is not global."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise InvalidRequest(f"There is no host {host}.", hint="Check the URL.") from error
        for address in addresses:
            if not self._allowed(ip_address(address.partition("%")[0])):
                raise InvalidRequest(
                    f"{host} is not on the public internet.",
                    hint="Upload the file, or allow its network in COURSEWRIGHT_API__URL_NETWORKS.",
                )
        return addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the seam's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check, and connect to what was checked."""
        *others, last = await self.addresses(host, port)
        for address in others:
            try:
                return await self._tcp.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._tcp.connect_tcp(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the seam's signature
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no URL leads to a socket of this machine."""
        raise httpcore2.ConnectError(f"{path} is not fetched")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def _allowed(self, address: IPv4Address | IPv6Address) -> bool:
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        if any(inner in network for network in self._networks if network.version == inner.version):
            return True
        return address.is_global and inner.is_global and not inner.is_multicast and not _translated(address)


def _translated(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address leads through NAT64 or Teredo to one that is not told here."""
    return address.version == 6 and any(address in network for network in (_NAT64, _TEREDO))


_NAT64, _TEREDO = ip_network("64:ff9b::/96"), ip_network("2001::/32")


def _target(url: str) -> tuple[str, int]:
    """Return host and port of a URL. Raises InvalidRequest for any scheme but http and https, and for credentials."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidRequest(f"{url} is not a URL.", hint="Check the URL.") from error
    if parts.scheme not in _PORTS or not host:
        raise InvalidRequest("Only http and https URLs can be fetched.", hint="Upload the file instead.")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("A URL with a password in it is not fetched.", hint="Upload the file instead.")
    return host, port or _PORTS[parts.scheme]


def _media_type(told: str | None) -> str | None:
    if not told:
        return None
    message = Message()
    message["content-type"] = told
    return message.get_content_type()


__all__ = ["Fetcher"]
