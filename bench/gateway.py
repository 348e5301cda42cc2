"""What does the data plane cost beside nginx's proxy_pass and beside asking the provider directly, and what does it stand?

    python -m bench.gateway [--quick] [--json FILE]

One worker of `parvis gateway` on one core; a scripted provider, the client and the settler on the other. Everything is on: the
key's hash, the snapshot, rules, routing, the worst case reserved in three budgets and settled, its lines in the journal, every
event read. CPU time is that of the process tree, by the scheduler's own accounts: other work on this machine does not count in
it. Rounds alternate, and medians are told.

PARVIS_BENCH_NGINX and PARVIS_BENCH_LITELLM name the programs to be compared with, where they are not in PATH.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import logging
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import psutil
import uvloop

from bench.report import Report
from parvis.access import sealing
from parvis.access.keys import tokens
from parvis.inference import snapshots
from parvis.inference.snapshots import Holder, Institution, Key, Model, Provider, Pulse, Snapshot
from parvis.ledger.budgets.messages import SOCKET
from parvis.ledger.carbon import Slope
from parvis.ledger.pricing import Book, Unit

MASTER = "a master secret of the bench"
ROUNDS, QUICK_ROUNDS = 3, 1
REQUESTS, QUICK_REQUESTS = 4_000, 400
CONNECTIONS = 16
STREAMS, TOKENS, GAP_MS = 1_000, 100, 66
MANY, MANY_TOKENS, MANY_GAP_MS = 5_000, 30, 500
FAULTS, QUICK_FAULTS = 10_000, 100
HOSTILE, QUICK_HOSTILE = 100_000, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--only", choices=("cost", "streams", "many", "faults", "hostile"))
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    report = Report("The gateway")
    parts = {"cost": _cost, "streams": _streams, "many": _many, "faults": _faults, "hostile": _hostile}
    with tempfile.TemporaryDirectory() as folder:
        for name, part in parts.items():
            if arguments.only in (None, name):
                part(report, Path(folder), quick=arguments.quick)
    return report.finish(arguments.json)


# What is compared


@dataclass(slots=True)
class Server:
    name: str
    url: str
    process: psutil.Process
    headers: dict[str, str] = field(default_factory=dict)

    def cpu(self) -> float:
        """Seconds, of all its processes and their threads."""
        total = 0
        for process in [self.process, *self.process.children(recursive=True)]:
            with suppress(OSError):
                for task in Path(f"/proc/{process.pid}/task").iterdir():
                    total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory(self) -> float:
        """Proportional, in MB."""
        total = 0
        for process in [self.process, *self.process.children(recursive=True)]:
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
            total += int(found[1]) if found else 0
        return total / 1024


@contextmanager
def _servers(folder: Path, *, with_litellm: bool = False) -> Iterator[list[Server]]:
    with _started([sys.executable, "-m", "parvis.gateway.tests.provider", str(_free_port())], core=1) as provider:
        url = str(provider.stdout.readline()).strip() if provider.stdout else ""
        servers = [Server("direct", url, psutil.Process(provider.pid))]
        with _nginx(folder, url) as nginx, _gateway(folder, url) as gateway, _litellm(folder, url, with_litellm) as litellm:
            yield [one for one in (*servers, nginx, gateway, litellm) if one]


@contextmanager
def _gateway(folder: Path, provider: str, *, workers: int = 1, limits: dict[str, str] | None = None) -> Iterator[Server]:
    data, port = folder / "data", _free_port()
    data.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "PARVIS_DATA_DIR": str(data),
        "PARVIS_SECRET_KEY": MASTER,
        "PARVIS_SNAPSHOT_MAX_AGE": "36000",
        "PARVIS_V1_REQUESTS_A_MINUTE": "100000000",
        **(limits or {}),
    }
    place = _tree(environment)
    key = _publish(data, provider, place)
    command = [sys.executable, "-m", "parvis.cli", "gateway", "--port", str(port), "--workers", str(workers), "--no-settler"]
    settler = [sys.executable, "-m", "parvis.cli", "settler"]
    with (
        _started(settler, core=1, environment=environment),
        _started(command, core=0, environment=environment) as process,
    ):
        _wait_for(port)
        _wait_for_socket(data / "budgets" / SOCKET)
        yield Server("parvis", f"http://127.0.0.1:{port}/v1", psutil.Process(process.pid), {"Authorization": f"Bearer {key}"})


def _tree(environment: dict[str, str]) -> int:
    """The place of an institution with a budget in money, in tokens and in carbon, in a database of its own."""
    ran = subprocess.run([sys.executable, "-c", _TREE], env=environment, capture_output=True, text=True, check=True)
    return int(ran.stdout.split()[-1])


_TREE = """
import os; os.environ["DJANGO_SETTINGS_MODULE"] = "parvis.settings"
import django; django.setup()
from parvis.isolation import scope; scope.begin("command line")
from django.core.management import call_command
call_command("migrate", verbosity=0)
from parvis.institutions.models import Institution
from parvis.ledger.budgets.actions.limits import set_budget
from parvis.ledger.budgets.actions.tree import place_of_institution
Institution.objects.get_or_create(id=1, defaults={"slug": "bench", "name": "Bench", "short_name": "Bench"})
place = place_of_institution(1)
if not place.budgets.exists():
    for measure in ("money", "tokens", "carbon"):
        set_budget(place, measure=measure, period="year", limit=10**17, actor="system:bench")
print(place.id)
"""


def _publish(data: Path, provider: str, budget: int) -> str:
    """One institution of 5,000 keys, and the one that is used; each model has a price and an estimate of its carbon."""
    ring = sealing.Keyring((sealing.Key("bench", bytes(32)),))
    (data / "secrets.keys").write_text(f"bench {base64.b64encode(bytes(32)).decode()}\n")
    place, now = "1|inference_provider|1|1", time.time()
    secret = sealing.seal("sk-bench", place=place, key=ring.current)
    given = [tokens.new_token() for _ in range(5_000)]
    keys = [
        Key(tokens.digest(token, master=MASTER), number, number, ("list", "ask", "models"), 30, now + 86_400, "", (budget,))
        for number, token in enumerate(given, 1)
    ]
    slope = Slope(token=2.0, second=0.5, modelled_token=2.0, modelled_start=0.0)
    rates = {Unit.INPUT: 100_000_000, Unit.OUTPUT: 300_000_000}
    book = Book(1, 1, None, date(2020, 1, 1), None, {number: rates for number in range(1, 21)})
    capabilities = ("chat", "stream", "tools", "json_schema", "images", "responses")
    snapshot = Snapshot(
        (Institution(1, "bench", books=(book,)),),
        tuple(Holder(number, number, 1, "teacher") for number in range(1, 5_001)),
        tuple(keys),
        (Provider("1", 1, "openai", provider, "on_prem", secret, place),),
        tuple(
            Model(
                str(one), 1, "1", f"m{one}", f"m{one}", "chat", str(one), capabilities, 0.0, number=one, slopes=(slope, slope)
            )
            for one in range(1, 21)
        ),
    )
    folder = data / "gateway"
    version = snapshots.write_snapshot(folder, snapshot, master=MASTER)
    snapshots.write_pulse(folder, Pulse(version, now), master=MASTER)
    return given[2_500]


@contextmanager
def _nginx(folder: Path, provider: str) -> Iterator[Server | None]:
    program = os.environ.get("PARVIS_BENCH_NGINX") or shutil.which("nginx")
    if program is None:
        yield None
        return
    port, place = _free_port(), folder / "nginx"
    place.mkdir(exist_ok=True)
    authority = provider.removeprefix("http://").removesuffix("/v1")
    (place / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {place}/pid; error_log {place}/error.log; worker_rlimit_nofile 40000;
        events {{ worker_connections 20000; }}
        http {{
          access_log off; client_body_temp_path {place}/b; proxy_temp_path {place}/p; fastcgi_temp_path {place}/f;
          uwsgi_temp_path {place}/u; scgi_temp_path {place}/s; keepalive_requests 10000000;
          upstream provider {{ server {authority}; keepalive 64; keepalive_requests 10000000; }}
          server {{ listen 127.0.0.1:{port} backlog=4096;
            location / {{
              proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
            }}
          }} }}""")
    with _started([program, "-p", str(place), "-c", str(place / "nginx.conf")], core=0) as process:
        _wait_for(port)
        yield Server("nginx", f"http://127.0.0.1:{port}/v1", psutil.Process(process.pid))


@contextmanager
def _litellm(folder: Path, provider: str, wanted: bool) -> Iterator[Server | None]:
    """Tuned: production mode, uvloop, one worker, a master key, nothing logged; compiled modules are kept."""
    program = os.environ.get("PARVIS_BENCH_LITELLM")
    if program is None or not wanted:
        yield None
        return
    port, config = _free_port(), folder / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: m1\n    litellm_params:\n      model: openai/m1\n"
        f"      api_base: {provider}\n      api_key: sk-bench\n"
        "general_settings:\n  master_key: sk-master\nlitellm_settings:\n  request_timeout: 60\n  telemetry: false\n"
    )
    environment = {**os.environ, "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "PYTHONDONTWRITEBYTECODE": ""}
    environment |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True"}
    command = [program, "--config", str(config), "--port", str(port), "--host", "127.0.0.1", "--num_workers", "1"]
    with _started(command, core=0, environment=environment) as process:
        _wait_for(port, seconds=180)
        time.sleep(5)
        yield Server(
            "litellm", f"http://127.0.0.1:{port}/v1", psutil.Process(process.pid), {"Authorization": "Bearer sk-master"}
        )


@contextmanager
def _started(command: list[str], *, core: int, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, {core % (os.cpu_count() or 1)}),
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_socket(path: Path, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > until:
            raise TimeoutError(f"nothing listens at {path}")
        time.sleep(0.1)


def _wait_for(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


# The client


@dataclass(slots=True)
class Got:
    """Seconds; `bad` are answers that are not the whole of what was asked."""

    answers: int = 0
    bad: int = 0
    tokens: int = 0
    seconds: list[float] = field(default_factory=list)  # to the first token, or to the end
    delays: list[float] = field(default_factory=list)  # of each token


_TOKEN = re.compile(rb"mot@(\d+)")


class Client(asyncio.Protocol):
    """One connection, `count` requests one after the other."""

    def __init__(self, request: bytes, count: int, got: Got, done: asyncio.Future[None], expected: int) -> None:
        self.request, self.left, self.got, self.done, self.expected = request, count, got, done, expected
        self.rest, self.tokens, self.first = b"", 0, 0.0
        self.begun = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._ask()

    def _ask(self) -> None:
        if not self.left or self.transport is None:
            if self.transport:
                self.transport.close()
            return
        self.left -= 1
        self.rest, self.tokens, self.first, self.begun = b"", 0, 0.0, time.monotonic()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if self.expected:
            for sent in _TOKEN.findall(data):
                self.got.delays.append((now - int(sent)) / 1e9)
                self.tokens += 1
            if self.tokens and not self.first:
                self.first = now / 1e9
        self.rest = (self.rest + data) if not self.expected else (self.rest + data)[-64:]
        if self.rest.endswith((b"0\r\n\r\n", b"}")) and (self.expected or self._is_whole()):
            self._answered(now / 1e9)

    def _is_whole(self) -> bool:
        head, _, body = self.rest.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")

    def _answered(self, now: float) -> None:
        if self.expected and self.rest.endswith(b"}"):
            return
        got = self.got
        got.answers += 1
        got.tokens += self.tokens
        is_good = self.tokens == self.expected if self.expected else b" 200 " in self.rest[:16]
        got.bad += not is_good
        got.seconds.append((self.first or now) - self.begun)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self.got.bad += self.left
        if not self.done.done():
            self.done.set_result(None)


def _request(server: Server, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    lines = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        *(f"{name}: {value}" for name, value in server.headers.items()),
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def _load(server: Server, body: dict[str, Any], *, connections: int, each: int, expected: int = 0) -> Got:
    loop, got = asyncio.get_running_loop(), Got()
    port = int(server.url.rsplit(":", 1)[1].removesuffix("/v1"))
    request, ends = _request(server, body), []
    for number in range(connections):
        done = loop.create_future()
        ends.append(done)
        await loop.create_connection(
            lambda done=done: Client(request, each, got, done, expected),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        if expected and number % 50 == 49:
            await asyncio.sleep(0.02)
    await asyncio.wait(ends, timeout=600)
    return got


def _run(server: Server, body: dict[str, Any], **how: int) -> Got:
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    return uvloop.run(_load(server, body, **how))


# Figures

ASKED = {"model": "m1", "messages": [{"role": "user", "content": "Quel est le délai pour déposer un recours ? " * 5}]}


def _cost(report: Report, folder: Path, *, quick: bool) -> None:
    rounds, count = (QUICK_ROUNDS, QUICK_REQUESTS) if quick else (ROUNDS, REQUESTS)
    cpu: dict[str, list[float]] = {}
    alone: dict[str, list[float]] = {}
    bad = 0
    with _servers(folder, with_litellm=True) as servers:
        for server in servers:
            _run(server, ASKED, connections=4, each=10)
        for _ in range(rounds):
            for server in servers:
                each = max(1, (count if server.name != "litellm" else count // 40) // CONNECTIONS)
                before = server.cpu()
                got = _run(server, ASKED, connections=CONNECTIONS, each=each)
                bad += got.bad
                cpu.setdefault(server.name, []).append((server.cpu() - before) / max(1, got.answers) * 1e6)
                got = _run(server, ASKED, connections=1, each=20)
                alone.setdefault(server.name, []).append(statistics.median(got.seconds) * 1e6)
        memory = {server.name: server.memory() for server in servers}
    medians = {name: statistics.median(found) for name, found in cpu.items()}
    ours = medians["parvis"]
    for name in medians:
        if name != "direct":
            report.row(
                f"CPU per request, {name}", medians[name], unit="µs", note=f"alone: {statistics.median(alone[name]):.0f} µs"
            )
    if "nginx" in medians:
        report.row("CPU per request: ours / nginx proxy_pass", ours / medians["nginx"], "<= 6")
    if "litellm" in medians:
        report.row("requests per core: ours / LiteLLM", medians["litellm"] / ours, ">= 40")
    report.row("answers that were not whole", bad, "== 0", note=f"{rounds} rounds of {count:,}")
    report.row("memory of one worker", memory["parvis"], "<= 80", unit="MB", note="5,000 keys, 20 models")


def _streams(report: Report, folder: Path, *, quick: bool) -> None:
    streams, rounds = (50, 1) if quick else (STREAMS, 3)
    script = {"tokens": TOKENS, "gap_ms": GAP_MS, "timed": True}
    body = {**ASKED, "stream": True, "script": script}
    cpu: dict[str, list[float]] = {}
    first: dict[str, list[float]] = {}
    bad = 0
    with _servers(folder) as servers:
        for _ in range(rounds):
            for server in servers:
                before = server.cpu()
                got = _run(server, body, connections=streams, each=1, expected=TOKENS)
                cpu.setdefault(server.name, []).append((server.cpu() - before) / max(1, got.tokens) * 1e6)
                bad += got.bad
        slow = {**body, "script": {**script, "tokens": 10, "first_ms": 100, "gap_ms": 5}}
        for _ in range(3 if quick else 9):
            for server in servers:
                got = _run(server, slow, connections=20, each=1, expected=10)
                first.setdefault(server.name, []).append(statistics.median(got.seconds))
    tokens_cost = {name: statistics.median(found) for name, found in cpu.items()}
    ours = tokens_cost["parvis"]
    if "nginx" in tokens_cost:
        report.row("CPU per token, nginx", tokens_cost["nginx"], unit="µs")
        report.row("CPU per token: ours / nginx", ours / tokens_cost["nginx"], "<= 2")
    report.row("CPU per token", ours, unit="µs", note=f"{streams:,} streams × {TOKENS} tokens")
    ttft = {name: min(found) for name, found in first.items()}  # of the round that was disturbed least
    note = f"direct {ttft['direct'] * 1e3:.1f} ms, of which the provider's own 100"
    report.row("time to first token: ours / direct", ttft["parvis"] / ttft["direct"], "<= 1.02", note=note)
    report.row("streams that lost a token", bad, "== 0")


def _many(report: Report, folder: Path, *, quick: bool) -> None:
    streams = 500 if quick else MANY
    body = {**ASKED, "stream": True, "script": {"tokens": MANY_TOKENS, "gap_ms": MANY_GAP_MS, "timed": True}}
    p99: dict[str, float] = {}
    with _servers(folder) as servers:
        for server in [one for one in servers if one.name != "direct"]:
            before, peak = server.memory(), [0.0]
            got = uvloop.run(_watched(server, body, streams, peak))
            delays = sorted(got.delays)
            p99[server.name] = delays[int(len(delays) * 0.99)] * 1e3 if delays else float("nan")
            if server.name == "parvis":
                kept = (peak[0] - before) * 1024 / streams
                report.row("memory per open stream", kept, "<= 20", unit="kB", note=f"{streams:,} streams, user space")
                lost = streams * MANY_TOKENS - got.tokens
                report.row("tokens lost", lost, "== 0", note=f"{streams:,} streams × {MANY_TOKENS} tokens")
    note = ", ".join(f"{name} {found:.0f} ms" for name, found in p99.items())
    ratio = p99["parvis"] / p99["nginx"] if "nginx" in p99 else float("nan")
    report.row("delay of a token, p99: ours / nginx", ratio, note=note)


async def _watched(server: Server, body: dict[str, Any], streams: int, peak: list[float]) -> Got:
    os.sched_setaffinity(0, {1 % (os.cpu_count() or 1)})
    load = asyncio.ensure_future(_load(server, body, connections=streams, each=1, expected=MANY_TOKENS))
    while not load.done():
        await asyncio.sleep(1)
        peak[0] = max(peak[0], server.memory())
    return await load


def _faults(report: Report, folder: Path, *, quick: bool) -> None:
    from parvis.gateway.tests.faults import run_faults

    count = QUICK_FAULTS if quick else FAULTS
    (folder / "faults").mkdir()
    outcome = run_faults(folder / "faults", Random(20_26), count, patience=4.0)
    report.row("faults that the client was not told of", outcome.dishonest, "== 0", note=f"{count:,} faults")
    for example in outcome.examples:
        print(example, file=sys.stderr)
    report.row("attempts not settled exactly", outcome.unsettled, "== 0")
    note = f"{outcome.partials:,} streams that broke, of models that count as they go"
    report.row("partials charged otherwise than what was written", outcome.inexact, "== 0", note=note)
    charged, written = (sum(column) for column in zip(*outcome.estimates, strict=True)) if outcome.estimates else (0, 0)
    gap = statistics.mean(abs(one - other) for one, other in outcome.estimates) if outcome.estimates else 0.0
    note = f"{len(outcome.estimates):,} of models that do not: {charged:,} tokens charged, {written:,} written"
    report.row("estimated partials: gap of each, on average", gap, unit="tokens", note=note)
    report.row("slots that hang", outcome.hanging, "== 0")


def _hostile(report: Report, folder: Path, *, quick: bool) -> None:
    from parvis.gateway.tests.faults import run_hostile

    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    count = QUICK_HOSTILE if quick else HOSTILE
    (folder / "hostile").mkdir()
    outcome = run_hostile(folder / "hostile", Random(20_26), count)
    report.row("hostile requests answered 5xx", outcome.failures, "== 0", note=f"{count:,} credentials and bodies")
    report.row("hostile requests let in", outcome.let_in, "== 0")
    report.row("memory grown", outcome.grown, "<= 64", unit="MB")


if __name__ == "__main__":
    sys.exit(main())
