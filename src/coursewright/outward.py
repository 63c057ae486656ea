"""Connections to hosts that others name: to public addresses only, and never to what only this machine can reach.

A name is resolved once, every address that it has must be global, and the connection goes to the very address that was
checked, so a name that changes in between gains nothing.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpcore2

from coursewright.errors import InvalidRequest

_PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system knows them. Raises OSError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class PublicNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to the address that it has checked, and to no other."""

    def __init__(self, networks: Iterable[str], resolve: Resolve = resolve, *, hint: str = "") -> None:
        """`networks` are allowed beside the public ones; `hint` says what to do about any other."""
        self._resolve = resolve
        self._hint = hint
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
                raise InvalidRequest(f"{host} is not on the public internet.", hint=self._hint)
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
        raise httpcore2.ConnectError(f"{path} is no host")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def _allowed(self, address: IPv4Address | IPv6Address) -> bool:
        inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None) or address
        if any(inner in network for network in self._networks if network.version == inner.version):
            return True
        return address.is_global and inner.is_global and not inner.is_multicast and not _misleading(address)


def _misleading(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address only seems global: it leads to one that is not told here, or is one of a site."""
    return address.version == 6 and any(address in network for network in _MISLEADING)


# NAT64 (RFC 6052, 8215), its kin (RFC 7915), Teredo, IPv4-compatible (RFC 4291, 2.5.5.1), site-local (RFC 3879)
_MISLEADING = tuple(
    ip_network(each)
    for each in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96", "2001::/32", "::/96", "fec0::/10")
)


def target(url: str) -> tuple[str, int]:
    """Return host and port of a URL. Raises InvalidRequest for any scheme but http and https, and for credentials."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidRequest(f"{url} is not a URL.", hint="Check the URL.") from error
    if parts.scheme not in _PORTS or not host:
        raise InvalidRequest("Only http and https URLs lead anywhere from here.", hint="Upload the file instead.")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("A URL with a password in it is not fetched.", hint="Upload the file instead.")
    return host, port or _PORTS[parts.scheme]


__all__ = ["PublicNetwork", "Resolve", "resolve", "target"]
