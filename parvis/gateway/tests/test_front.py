"""What is said on the wire: HTTP/1.1 as clients, proxies and attackers write it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from parvis.gateway import front
from parvis.gateway.tests.house import House

BODY = json.dumps({"model": "petit", "messages": [{"role": "user", "content": "Quel délai ?"}]}).encode()


@contextmanager
def connected(house: House) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", house.port), timeout=10) as wire:
        yield wire


def asking(house: House, *lines: str, body: bytes = BODY, version: str = "1.1", length: bool = True) -> bytes:
    head = [f"POST /v1/chat/completions HTTP/{version}", "Host: parvis", f"Authorization: Bearer {house.key}", *lines]
    head += [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def read_one(wire: socket.socket, rest: bytes = b"") -> tuple[int, dict[str, str], bytes, bytes]:
    """The status, headers and body of one answer of a known length, and what came after it."""
    while b"\r\n\r\n" not in rest:
        piece = wire.recv(65_536)
        assert piece, f"hung up after {rest!r}"
        rest += piece
    head, _end, rest = rest.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    size = int(headers["content-length"])
    while len(rest) < size:
        rest += wire.recv(65_536)
    return int(first.split()[1]), headers, rest[:size], rest[size:]


def read_all(wire: socket.socket) -> bytes:
    found = b""
    while piece := wire.recv(65_536):
        found += piece
    return found


def test_requests_sent_at_once_are_answered_in_their_order(house: House) -> None:
    with connected(house) as wire:
        other = b"GET /v1/nothing HTTP/1.1\r\nHost: parvis\r\n\r\n"
        wire.sendall(asking(house) + other + asking(house))
        found, rest = [], b""
        for _ in range(3):
            status, _headers, _body, rest = read_one(wire, rest)
            found.append(status)
    assert found == [200, 404, 200]


def test_a_request_that_comes_byte_by_byte_is_answered(house: House) -> None:
    with connected(house) as wire:
        for byte in asking(house):
            wire.send(bytes([byte]))
        assert read_one(wire)[0] == 200


def test_a_body_in_chunks_is_read_and_what_follows_it_is_no_header(house: House) -> None:
    pieces = b"".join(b"%x;x=y\r\n%b\r\n" % (len(one), one) for one in (BODY[:7], BODY[7:])) + b"0\r\n"
    with connected(house) as wire:
        wire.sendall(asking(house, "Transfer-Encoding: chunked", body=b"", length=False))
        wire.sendall(pieces + b"Accept-Language: en\r\n\r\n")
        assert read_one(wire)[0] == 200
        head = "\r\n".join(("POST /v1/chat/completions HTTP/1.1", "Host: parvis", "Transfer-Encoding: chunked")).encode()
        wire.sendall(head + b"\r\n\r\n0\r\nAuthorization: Bearer " + house.key.encode() + b"\r\n\r\n")
        assert read_one(wire)[0] == 401


def test_who_asks_first_is_told_to_go_on(house: House) -> None:
    with connected(house) as wire:
        wire.sendall(asking(house, "Expect: 100-continue", f"Content-Length: {len(BODY)}", body=b"", length=False))
        assert wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(BODY)
        assert read_one(wire)[0] == 200


def test_who_is_refused_first_is_not_told_to_go_on(house: House) -> None:
    with connected(house) as wire:
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: parvis\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
        wire.sendall(head.encode())
        assert read_one(wire)[0] == 401


def test_a_large_body_that_is_refused_at_once_is_read_to_its_end(house: House) -> None:
    body = b"x" * (8 << 20)
    with connected(house) as wire:
        wire.sendall(asking(house, body=body).replace(house.key.encode(), b"nobody"))
        assert read_one(wire)[0] == 401
        wire.sendall(asking(house))
        assert read_one(wire)[0] == 200


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_connection_that_is_to_be_closed_is_closed(house: House, version: str) -> None:
    with connected(house) as wire:
        wire.sendall(asking(house, "Connection: close", version=version))
        status, headers, _body, _rest = read_one(wire)
        assert (status, headers["connection"], read_all(wire)) == (200, "close", b"")


def test_a_stream_to_a_client_of_the_former_version_ends_with_its_connection(house: House) -> None:
    body = json.dumps({**json.loads(BODY), "stream": True}).encode()
    with connected(house) as wire:
        wire.sendall(asking(house, "Connection: keep-alive", body=body, version="1.0"))
        head, _end, events = read_all(wire).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert events.startswith(b"data: {")
    assert events.endswith(b"data: [DONE]\n\n")


def test_an_offer_to_change_protocol_is_not_taken(house: House) -> None:
    """As Java's client sends by default."""
    with connected(house) as wire:
        wire.sendall(asking(house, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAA"))
        assert read_one(wire)[0] == 200
        assert read_all(wire) == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost : parvis\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: parvis\r\n folded\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\nHost: parvis\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /v1/models HTTP/1.1\r\nHost: parvis\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: par\0vis\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_left(house: House, sent: bytes) -> None:
    with connected(house) as wire:
        wire.sendall(sent)
        status, _headers, body, rest = read_one(wire)
        assert (status, json.loads(body)["error"]["code"], rest + read_all(wire)) == (400, "not_http", b"")


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
    ],
)
def test_a_request_of_two_lengths_is_never_followed_by_another(house: House, lines: tuple[str, ...]) -> None:
    """What a proxy before us took for a body must not be a request of its own here."""
    hidden = b"GET /v1/hidden HTTP/1.1\r\nHost: parvis\r\n\r\n"
    with connected(house) as wire:
        wire.sendall(asking(house, *lines, body=b"0\r\n\r\n" + hidden, length=False))
        answers = read_all(wire)
    assert answers.count(b"content-length: ") <= 1
    assert b" 200 " not in answers


@pytest.mark.parametrize("rest", [b"zz\r\n", b"2\r\n{}XX", b"-1\r\n", b"2\r\n{}\r\n0\r\nContent-Length: 4\r\n\r\n"])
def test_a_body_that_cannot_be_read_is_refused_and_sent_to_nobody(house: House, rest: bytes) -> None:
    with connected(house) as wire:
        wire.sendall(asking(house, "Transfer-Encoding: chunked", body=b"", length=False))
        wire.sendall(rest + asking(house))
        status, _headers, body, after = read_one(wire)
        assert (status, json.loads(body)["error"]["code"], after + read_all(wire)) == (400, "not_http", b"")
    assert house.provider.received == []


def test_a_head_is_as_long_at_most_when_it_comes_in_one_piece(house: House) -> None:
    for lines, expected in ((1, 200), (front.LONGEST_HEAD // 6, 431)):
        with connected(house) as wire:
            wire.sendall(asking(house, *["X: yy"] * lines))
            assert read_one(wire)[0] == expected


def test_a_head_that_does_not_end_is_refused(house: House) -> None:
    with connected(house) as wire:
        wire.sendall(b"GET /v1/models HTTP/1.1\r\nX: " + b"x" * front.LONGEST_HEAD)
        assert read_one(wire)[0] == 431
        assert read_all(wire) == b""


def test_who_says_nothing_or_goes_on_too_slowly_is_left(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.2)
    with connected(house) as silent, connected(house) as slow:
        slow.sendall(b"GET /v1/models HTTP/1.1\r\n")
        assert [read_all(silent), read_all(slow)] == [b"", b""]


def test_who_sends_more_requests_than_are_kept_waiting_is_left(house: House) -> None:
    with connected(house) as wire:
        wire.sendall(b"GET /v1/nothing HTTP/1.1\r\n\r\n" * (front.MOST_WAITING + 10))
        assert read_all(wire).count(b"content-length: ") <= front.MOST_WAITING


def test_who_takes_nothing_of_a_stream_holds_back_its_provider_and_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "UNTAKEN_SECONDS", 0.5)
    body = {**json.loads(BODY), "stream": True, "script": {"tokens": 60_000}}
    with connected(house) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        wire.sendall(asking(house, body=json.dumps(body).encode()))
        (settled,) = house.settled_by(1, seconds=8)
    assert not settled.complete
    assert not house.gateway.metering.open
    assert house.gateway.pool.counts.active == 0
