"""Where requests of the data plane may go: never to an address where a machine tells its secrets, however it is written."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from parvis.inference.completion import UpstreamError
from parvis.inference.destinations import METADATA, ForbiddenAddressError, check, target_of, versioned
from parvis.inference.pool import Limits, Pool, sending

NEVER = [
    "169.254.169.254",
    "169.254.1.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "fe80::1",
    "ff02::1",
    "::",
    *map(str, METADATA),
]
INSIDE = ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.9", "100.64.0.1", "::1", "fd12::1"]


def written(address: str, random: Random) -> Iterator[str]:
    """The same address as a host may be written."""
    found = ipaddress.ip_address(address)
    if found.version == 6:
        yield f"[{found.exploded}]"
        yield f"[{found.compressed.upper()}]"
        return
    number, parts = int(found), address.split(".")
    yield address
    yield str(number)
    yield hex(number)
    yield "0" + oct(number)[2:]
    yield ".".join(hex(int(part)) for part in parts)
    yield ".".join("0" * random.randrange(1, 5) + oct(int(part))[2:] for part in parts)
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{number & 0xFFFF}"
    for prefix in ("::ffff:", "64:ff9b::", "::"):
        yield f"[{prefix}{address}]"
    yield f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]"


class Canary:
    """Listens where nothing should ever connect."""

    def __init__(self) -> None:
        self.hits = 0

    async def __aenter__(self) -> Canary:
        self.server = await asyncio.start_server(self.hit, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def hit(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        writer.close()

    async def __aexit__(self, *_: object) -> None:
        self.server.close()


async def asked(url: str, *, inside: bool, pool: Pool) -> str:
    """The code of the refusal."""
    try:
        target = target_of(url, inside=inside)
        one = sending(target, "chat/completions", "")
        await pool.send(target, one.head("req", 2), b"{}")
    except ForbiddenAddressError:
        return "forbidden_address"
    except UpstreamError as error:
        return error.code
    return ""


async def test_no_way_of_writing_an_address_reaches_it() -> None:
    random, pool = Random(1), Pool(Limits(connect=1.0, first=0.5, between=0.5))
    async with Canary() as canary:
        for address in ("127.0.0.1", "10.1.2.3", *NEVER):
            for host in written(address, random):
                for url in (f"http://{host}:{canary.port}/v1", f"http://{host}:{canary.port}@exemple.invalid/"):
                    code = await asked(url, inside=False, pool=pool)
                    assert code == "forbidden_address" or (code == "unreachable" and "@" not in url), url
        assert canary.hits == 0
    await pool.close()


async def test_a_name_is_judged_by_what_it_leads_to_at_that_moment() -> None:
    """One that led outside and leads inside now, and one that leads to both."""
    answers = [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"]]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return answers.pop(0)

    pool = Pool(Limits(connect=1.0), resolve=resolve)
    async with Canary() as canary:
        while answers:
            assert await asked(f"http://rebond.exemple:{canary.port}/v1", inside=False, pool=pool) == "forbidden_address"
        assert canary.hits == 0
    await pool.close()


@pytest.mark.parametrize("address", sorted(NEVER))
def test_some_addresses_are_nobody_s_even_on_the_premises(address: str) -> None:
    for inside in (True, False):
        with pytest.raises(ForbiddenAddressError):
            check(address, inside=inside)


@pytest.mark.parametrize("address", INSIDE)
def test_the_premises_are_inside_and_others_are_not(address: str) -> None:
    check(address, inside=True)
    with pytest.raises(ForbiddenAddressError):
        check(address, inside=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "51.15.1.1"])
def test_the_outside_is_open(address: str) -> None:
    check(address, inside=False)


@pytest.mark.parametrize(
    "url",
    ["ftp://a/", "file:///etc/passwd", "http://", "http://a:0/", "http://a:99999/", "http://u:p@a/", "http://a/?x=1", "http://a/#f",
     "http://a b/", "http://a\\b/", "http://é.fr/", "gopher://a:70/_x", "http://[::1/", "//a/", "a", ""],
)  # fmt: skip
def test_what_is_no_address_of_a_provider(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        target_of(url, inside=True)


def test_a_version_is_added_where_there_is_none() -> None:
    for given in ("", "/", "/v1", "/v1/", "/v1/chat/completions", "/v1/models"):
        assert versioned(given) == "/v1"
    assert versioned("/openai/v1") == "/openai/v1"
    assert versioned("/api") == "/api/v1"
    assert versioned("/v1beta/openai") == "/v1beta/openai"


async def test_a_redirect_is_not_followed() -> None:
    async with Canary() as canary:
        head = f"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:{canary.port}/\r\nContent-Length: 0\r\n\r\n".encode()

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            writer.close()

        server = await asyncio.start_server(redirect, "127.0.0.1", 0)
        target = target_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", inside=True)
        pool = Pool()
        answer = await pool.send(target, sending(target, "chat/completions", "").head("req", 2), b"{}")
        assert answer.status == 307
        assert canary.hits == 0
        await pool.close()
        server.close()


def test_the_canary_would_be_hit() -> None:
    """The machine does read these ways of writing: it is we who refuse."""
    assert socket.getaddrinfo("0x7f.1", 80)[0][4][0] == "127.0.0.1"
