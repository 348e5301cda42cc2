"""A provider that fails in every way at every chunk, and clients that send anything: in small numbers in tests, in full in
`bench.gateway`."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from parvis.access.tests.credentials import hostile
from parvis.gateway.tests.house import House, open_house
from parvis.gateway.tests.provider import FAULTS
from parvis.inference.pool import Limits

TOKENS = 6
AT_ONCE = 200
STATUS_OF = {
    "429": 429,
    "500": 502,
    "503": 502,
    "400": 400,
    "401": 502,
    "404": 502,
    "redirect": 502,
    "huge_head": 502,
    "gzip": 502,
}
BEFORE_ANSWERING = frozenset({*STATUS_OF, "html"})
_QUESTION = [{"role": "user", "content": "Quel est le délai ?"}]


@dataclass
class Outcome:
    dishonest: int = 0
    unsettled: int = 0
    hanging: int = 0
    failures: int = 0
    let_in: int = 0
    grown: float = 0.0
    partials: int = 0  # streams that broke where the provider counts as it goes
    inexact: int = 0  # of those, charged otherwise than what it says it wrote
    estimates: list[tuple[int, int]] = field(default_factory=list)  # of the others: tokens charged, and written
    examples: tuple[Any, ...] = ()

    def add(self, example: Any) -> None:
        self.examples = (*self.examples, example)[:5]


class Line:
    """One connection of a client, kept for several requests."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; status 0 where the server hung up without a word."""
        if self.reader is None or self.writer is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            self.writer.write(raw)
            head = await self.reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:]) if name}
            body = await self._body(headers)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.close()
            return 0, {}, b""
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split()[1]), headers, body

    async def _body(self, headers: dict[str, str]) -> bytes:
        assert self.reader
        if length := headers.get("content-length"):
            return await self.reader.readexactly(int(length))
        pieces = []
        while size := int(await self.reader.readline(), 16):
            pieces.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        return b"".join(pieces)

    def close(self) -> None:
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


def request(key: str, body: bytes, path: str = "/v1/chat/completions", *, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("utf-8", "replace") + body


def run_faults(folder: Path, random: Random, count: int, *, patience: float = 0.6) -> Outcome:
    outcome = Outcome()
    limits = Limits(connect=5, first=patience, between=patience, total=60)
    with open_house(folder, limits=limits) as house:
        for number in range(40):
            house.add_model(f"f{number}", counts_as_it_goes=number % 2 == 0)
        house.publish()
        house.look()
        house.run_long(_faults(house, random, count, outcome))
        settled = Counter(one.held.request_id for one in house.settled)
        received = Counter(one.headers["x-request-id"] for one in house.provider.received)
        for request_id, times in received.items():
            outcome.unsettled += settled[request_id] != times
        outcome.unsettled += sum(not _is_exact(house, one) for one in house.settled)
        for one in house.settled:
            _compare(house, one, outcome)
        outcome.hanging = len(house.gateway.metering.open) + len(house.gateway.exchanges) + house.gateway.pool.counts.active
    return outcome


def _is_exact(house: House, settled: Any) -> bool:
    """What the provider counted of a whole answer; of another, no more than was held, and nothing where it refused."""
    if settled.complete and settled.counted:
        return bool((settled.tokens_in, settled.tokens_out) == house.provider.counted[settled.held.request_id])
    held = settled.held
    return bool(0 <= settled.tokens_in <= held.tokens_in and 0 <= settled.tokens_out <= held.tokens_out)


def _compare(house: House, settled: Any, outcome: Outcome) -> None:
    """A stream that broke, with what its provider had written by then."""
    written = house.provider.written.get(settled.held.request_id)
    if written is None or settled.complete or not settled.tokens_in:
        return
    charged = (settled.tokens_in, settled.tokens_out)
    if settled.held.known.model.counts_as_it_goes:
        outcome.partials += 1
        if charged != written or not settled.counted:
            outcome.inexact += 1
            outcome.add(("charged", charged, "written", written, settled.counted))
    else:
        outcome.estimates.append((sum(charged), sum(written)))


async def _faults(house: House, random: Random, count: int, outcome: Outcome) -> None:
    """Each model answers well a few times first, so that it is known what its tokenizer makes of a text."""
    well = [("none", 0, True, index) for index in range(200)]
    badly = [(random.choice(FAULTS), random.randrange(TOKENS + 4), random.random() < 0.75, index) for index in range(count)]
    cases = iter([*well, *badly])

    async def client() -> None:
        line = Line(house.port)
        for fault, at, streams, index in cases:
            script = {"fault": fault, "at": at, "tokens": TOKENS}
            asked = {"model": f"f{index % 40}", "messages": _QUESTION, "stream": streams, "script": script}
            house.gateway.admission.board.clear()  # each fault meets a provider of which nothing is known
            raw = request(house.key, json.dumps(asked).encode())
            status, _headers, body = await asyncio.wait_for(line.ask(raw), 60)
            if problem := dishonesty(fault, at, streams, status, body):
                outcome.dishonest += 1
                outcome.add((fault, at, streams, problem, status, body[-200:]))
        line.close()

    await asyncio.gather(*(client() for _ in range(min(AT_ONCE, count))))
    until = time.monotonic() + 5
    while time.monotonic() < until and (house.gateway.exchanges or house.gateway.pool.counts.active):
        await asyncio.sleep(0.05)


def dishonesty(fault: str, at: int, streams: bool, status: int, body: bytes) -> str:
    """Why the client was not told what happened; "" where it was."""
    if status != 200:
        error = json.loads(body)["error"]
        wanted = STATUS_OF.get(fault)
        is_one = (
            set(error) == {"message", "type", "param", "code"} and error["message"] and "sk-secret" not in error["message"]
        )
        is_right = wanted in (None, status) or error["code"] == "all_out"  # others failed meanwhile, and it is left alone
        return "" if is_one and fault != "none" and is_right else "wrong refusal"
    if fault in BEFORE_ANSWERING:
        return "accepted what is no answer"
    if not streams:
        answered = json.loads(body)["choices"][0]["message"]["content"] == "mot " * TOKENS
        return "" if answered and fault in ("none", "no_done") else "a broken answer passed for one"
    return _stream_dishonesty(fault, at, body)


def _stream_dishonesty(fault: str, at: int, body: bytes) -> str:
    events = body.decode().split("\n\n")
    if events.pop() != "":
        return "cut in the middle of an event"
    data = [event.removeprefix("data: ") for event in events]
    is_done = data[-1] == "[DONE]"
    parsed = [json.loads(one) for one in data if one != "[DONE]"]
    failed = [one for one in parsed if "error" in one]
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in parsed if one.get("choices"))
    if not "".join(f"mot{index} " for index in range(TOKENS)).startswith(text):
        return "not what the provider wrote"
    if is_done == bool(failed) or "sk-secret" in body.decode():
        return "an end and an error, or neither"
    # Events: role, tokens, stop, counts, end. A fault after the last one changed nothing.
    happens = fault not in ("none", "wrong_length") and (fault == "no_done" or at <= TOKENS + 3)
    return "" if is_done != happens else "told otherwise than it went"


def run_hostile(folder: Path, random: Random, count: int) -> Outcome:
    outcome = Outcome()
    with open_house(folder) as house:
        house.provider.remembers = False
        house.run_long(_hostile(house, random, min(200, count), Outcome()))
        before = _memory()
        house.settled.clear()
        house.run_long(_hostile(house, random, count, outcome))
        outcome.grown = _memory() - before
        outcome.hanging = len(house.gateway.metering.open) + len(house.gateway.exchanges)
    return outcome


async def _hostile(house: House, random: Random, count: int, outcome: Outcome) -> None:
    given = [house.key, house.neighbour_key]
    credentials, bodies = hostile(random, given, count // 2), hostile_bodies(random)
    good = json.dumps({"model": "petit", "messages": _QUESTION}).encode()

    async def client() -> None:
        line = Line(house.port)
        for credential in credentials:
            words = "".join(one for one in credential if one not in "\r\n")[:20_000]
            status, _headers, body = await asyncio.wait_for(line.ask(request(words, good)), 30)
            outcome.let_in += status == 200 and words.strip() not in given
            _judge(outcome, status, body, words)
            raw, label = next(bodies)
            house.gateway.admission.board.clear()
            status, _headers, body = await asyncio.wait_for(line.ask(request(house.key, raw, _path(random))), 30)
            _judge(outcome, status, body, label)
            house.settled.clear()
        line.close()

    await asyncio.gather(*(client() for _ in range(16)))


def _path(random: Random) -> str:
    paths = ("/v1/chat/completions", "/v1/embeddings", "/v1/responses")
    return random.choice((*paths, *paths, "/v1/models", "/v1/chat/../admin", "/v1/%00", "/v1/" + "a" * 2_000, "/v1"))


def _judge(outcome: Outcome, status: int, body: bytes, label: str) -> None:
    if status == 0 or status >= 500:
        outcome.failures += 1
        outcome.add((status, label[:200], body[:200]))


def hostile_bodies(random: Random) -> Iterator[tuple[bytes, str]]:
    """What breaks readers of JSON, and what a provider would be sent by them."""
    whole: dict[str, Any] = {
        "model": "petit",
        "messages": [{"role": "user", "content": "bonjour"}],
        "input": "bonjour",
        "stream": False,
        "n": 1,
        "max_tokens": 10,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "response_format": {"type": "text"},
    }
    values: list[Any] = [
        None,
        True,
        -1,
        0,
        1e308,
        2**63,
        "",
        "\x00",
        "é" * 1_000,
        [],
        {},
        [[]],
        {"a": {}},
        "petit",
        [None],
        "\ud7ff",
        1.5,
    ]
    raws = [b"", b"{", b"[", b"null", b"[" * 50_000, b'{"a":' * 50_000, b"\xff\xfe", b"{}" * 2, b'"', b"1e999", b"\x00" * 100,
            b'{"model": "petit", "model": {}, "messages": []}', b'{"model":"petit","messages":[{"content":"\\ud800"}]}',
            b'{"model":"petit","messages":[{"role":"user","content":"' + b"a" * 100_000]  # fmt: skip
    while True:
        body = dict(whole)
        for _ in range(random.randrange(1, 4)):
            name = random.choice(list(whole))
            body[name] = random.choice(values)
        raw = json.dumps(body).encode()
        kind = random.randrange(6)
        if kind == 0:
            raw = random.choice(raws)
        elif kind == 1:
            raw = raw[: random.randrange(len(raw))]
        elif kind == 2:
            place = random.randrange(len(raw))
            raw = raw[:place] + bytes([random.randrange(256)]) + raw[place + 1 :]
        elif kind == 3:
            url = random.choice(["http://169.254.169.254/", "file:///etc/passwd", "https://exemple.org/a.png"])
            body = {
                "model": "petit",
                "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}],
            }
            raw = json.dumps(body).encode()
        yield raw, raw[:100].decode("latin-1")


def _memory() -> float:
    """In MB, at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
