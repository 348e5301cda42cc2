"""The door out to identity providers: the only module of this package that opens a connection.

Addresses come from rows that an institution's administrator wrote, so they are not trusted with this machine's network: TLS
only, no redirect, no proxy, no private or loopback address unless the operator named the host, a bounded answer in a bounded
time. What a name resolves to is checked at the moment it is connected to.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import socket
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, TypeVar
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from parvis.federation.failure import SignInError

LONGEST_BODY = 1 << 20
# RFC 4291 and RFC 6052: outside of the first, an address is of this network, or a way to write one of IPv4.
_GLOBAL_UNICAST, _NAT64 = ipaddress.ip_network("2000::/3"), ipaddress.ip_network("64:ff9b::/96")
SECONDS = 10.0
WAITING_SECONDS = 6.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    etag: str = ""

    def json(self) -> dict[str, Any]:
        """Raises SignInError for anything that is not an object."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise SignInError("garbage")
        return parsed


@dataclass(frozen=True, slots=True)
class Outbound:
    """`private_hosts`: names or addresses inside the network, that the operator allows, there also without TLS."""

    private_hosts: frozenset[str] = frozenset()

    async def get(self, url: str, *, query: Mapping[str, str] | None = None, bearer: str = "", accept: str = "*/*") -> Answer:
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        return await self._ask("GET", url, params=query, headers=headers)

    async def post(self, url: str, form: Mapping[str, str], *, basic: tuple[str, str] | None = None) -> Answer:
        headers = {"Accept": "application/json"}
        if basic:
            headers["Authorization"] = f"Basic {base64.b64encode(':'.join(basic).encode()).decode()}"
        return await self._ask("POST", url, data=form, headers=headers)

    async def download(self, url: str, into: BinaryIO, *, most: int, seconds: float, etag: str = "") -> Answer:
        """Something too large to be held: its body goes to `into`, at most so many bytes. 304 when `etag` is still its tag."""
        headers = {"Accept": "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1"}
        if etag:
            headers["If-None-Match"] = etag
        return await self._ask("GET", url, headers=headers, seconds=seconds, into=into, most=most)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        seconds: float = SECONDS,
        into: BinaryIO | None = None,
        most: int = LONGEST_BODY,
        **body: Any,
    ) -> Answer:
        check_address(url, self.private_hosts)
        connector = aiohttp.TCPConnector(resolver=_Resolver(self.private_hosts), use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=seconds)
        # Names of entities are part of a path, escaped: aiohttp would write some of it otherwise, and ask for another file.
        target = URL(url, encoded=True) if into is not None else url
        headers |= {"User-Agent": "parvis", "Accept-Encoding": "identity"}
        failure: SignInError
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session,
                session.request(method, target, headers=headers, allow_redirects=False, **body) as response,
            ):
                content = await _read(response, into or BytesIO(), most)
                return Answer(response.status, response.content_type, content, response.headers.get("ETag", "")[:200])
        except SignInError as error:
            failure = error
        except TimeoutError:
            failure = SignInError("slow", _host(url))
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            failure = SignInError("certificate", _host(url))
        except (aiohttp.ClientError, OSError, ValueError):
            failure = SignInError("unreachable", _host(url))
        raise failure from None  # an exception of aiohttp carries headers, and must not be its context


async def while_waiting(asked: Awaitable[T], url: str) -> T:
    """All that is asked of a server while somebody waits for it, and a thread with them: its calls together take so long at
    most, however many they are. Raises SignInError("slow")."""
    try:
        async with asyncio.timeout(WAITING_SECONDS):
            return await asked
    except TimeoutError:
        raise SignInError("slow", _host(url)) from None


def check_address(url: str, private_hosts: Collection[str]) -> SplitResult:
    """Raises SignInError for an address that is never connected to."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise SignInError("address") from None
    if not host or parts.username is not None or parts.fragment or not url.isascii() or any(c.isspace() for c in url):
        raise SignInError("address")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in private_hosts):
        raise SignInError("not_tls", host)
    if host not in private_hosts and _is_inside(host):
        raise SignInError("inside", host)
    return parts


class _Resolver(AbstractResolver):
    """Names resolve to addresses of the outside, so that what was checked is what is connected to."""

    def __init__(self, private_hosts: Collection[str]) -> None:
        self._private_hosts = private_hosts
        self._system = ThreadedResolver(asyncio.get_running_loop())

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._system.resolve(host, port, family)
        if host not in self._private_hosts and any(_is_inside(row["host"]) for row in found):
            raise SignInError("inside", host)
        return found

    async def close(self) -> None:
        await self._system.close()


def _is_inside(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (_last_four(address) if address in _NAT64 else None)
        if inner is None:
            return address not in _GLOBAL_UNICAST or not address.is_global
        address = inner
    return not address.is_global or address.is_multicast


def _last_four(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


async def _read(response: aiohttp.ClientResponse, into: BinaryIO, most: int) -> bytes:
    """What `into` holds, where it is memory."""
    received = 0
    async for chunk in response.content.iter_any():
        received += len(chunk)
        if received > most:
            raise SignInError("too_large")
        into.write(chunk)
    return into.getvalue() if isinstance(into, BytesIO) else b""


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
