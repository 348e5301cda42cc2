"""A gateway on a loopback port, one institution or two, keys, models, and a provider they are asked of."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import uvicorn

from parvis.access import sealing
from parvis.access.keys import tokens
from parvis.gateway.app import Gateway
from parvis.gateway.assistants import Console, DistantConsole
from parvis.gateway.front import Front
from parvis.gateway.knowledge import Settings
from parvis.gateway.metering import Settled
from parvis.gateway.tests.provider import Provider
from parvis.gateway.tests.settler import Settler
from parvis.inference import snapshots
from parvis.inference.pool import Limits, Pool
from parvis.inference.snapshots import Former, Hidden, Holder, Institution, Key, Model, Pseudonyms, Pulse, Snapshot

MASTER = "only for tests, never a secret"
SECRET = "sk-secret-of-the-provider"
ALL = ("list", "ask", "models")
CHAT = ("chat", "stream", "tools", "json_schema", "images", "responses")
T = TypeVar("T")


@dataclass
class House:
    """Everything of it runs in one loop, of its own thread: clients are as far as the loopback."""

    folder: Path
    loop: asyncio.AbstractEventLoop
    provider: Provider
    limits: Limits = field(default_factory=lambda: Limits(connect=2, first=1.5, between=1.0, total=20))
    institutions: list[Institution] = field(default_factory=lambda: [Institution(1, "ici"), Institution(2, "la-bas")])
    holders: list[Holder] = field(default_factory=lambda: [Holder(10, 100, 1, "teacher"), Holder(20, 200, 2, "teacher")])
    keys: list[Key] = field(default_factory=list)
    providers: list[snapshots.Provider] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    former: list[Former] = field(default_factory=list)
    settled: list[Settled] = field(default_factory=list)
    console: Console | None = None
    oldest: float = 3_600.0
    gateway: Gateway = field(init=False)
    settler: Settler = field(init=False)
    port: int = 0

    def __post_init__(self) -> None:
        self.ring = sealing.Keyring((sealing.Key("test", bytes(32)),))
        (self.folder / "keys").write_text("test " + "A" * 43 + "=\n", encoding="ascii")
        self.add_provider("1", self.provider.url, zone="on_prem")
        for name in ("petit", "numbers-only"):
            self.add_model(name, purpose="embeddings" if name == "numbers-only" else "chat")
        self.add_model("plongements", purpose="embeddings")
        self.key = self.add_key(10)
        self.neighbour_key = self.add_key(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def add_key(self, holder: int, *, scopes: tuple[str, ...] = ALL, seconds: float = 3600.0, data_class: str = "") -> str:
        """Its number is its place in the tree of budgets."""
        token, number = tokens.new_token(), len(self.keys) + 1
        digest = tokens.digest(token, master=MASTER)
        self.keys.append(Key(digest, number, holder, scopes, 30, time.time() + seconds, data_class, (number,), "UFR Droit"))
        return token

    def add_provider(self, number: str, url: str, *, zone: str, institution: int | None = 1, kind: str = "openai") -> None:
        place = f"{institution}|inference_provider|{number}|1"
        sealed = sealing.seal(SECRET, place=place, key=self.ring.current)
        self.providers.append(snapshots.Provider(number, institution, kind, url, zone, sealed, place))

    def add_model(self, alias: str, *, provider: str = "1", purpose: str = "chat", **more: Any) -> None:
        owner = next(one.institution for one in self.providers if one.id == provider)
        capabilities = more.pop("capabilities", CHAT if purpose == "chat" else ("embeddings",))
        number = str(len(self.models) + 1)
        given = {"attested_at": 0.0, **more}
        self.models.append(Model(number, owner, provider, alias, alias, purpose, number, capabilities, **given))

    def ask_for_pseudonyms(self, *cases: tuple[str, str], hidden: Hidden) -> None:
        """Of the first institution, from what is published next."""
        version = snapshots.write_hidden(self.folder, 1, hidden, master=MASTER, key=self.ring.current)
        self.institutions[0] = msgspec.structs.replace(self.institutions[0], pseudonyms=Pseudonyms(cases, version))

    def publish(
        self, *, revoked: tuple[int, ...] = (), stopped: tuple[tuple[int, str], ...] = (), at: float | None = None
    ) -> None:
        snapshot = Snapshot(
            tuple(self.institutions),
            tuple(self.holders),
            tuple(self.keys),
            tuple(self.providers),
            tuple(self.models),
            former=tuple(self.former),
        )
        version = snapshots.write_snapshot(self.folder, snapshot, master=MASTER)
        snapshots.write_pulse(self.folder, Pulse(version, at or time.time(), revoked, stopped=stopped), master=MASTER)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def run_long(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def settled_by(self, count: int) -> list[Settled]:
        """What was settled, once there are so many: a client has its last word just before."""
        until = time.monotonic() + 2
        while len(self.settled) < count and time.monotonic() < until:
            time.sleep(0.005)
        return self.settled

    def look(self) -> None:
        """At what was published, now."""

        async def looked() -> None:
            self.gateway.follower.look()

        self.run(looked())

    async def serve(self) -> uvicorn.Server:
        pool = Pool(self.limits)
        console = self.console or DistantConsole("http://127.0.0.1:9", pool)
        self.settler = await Settler(self.folder / "budgets").start()
        settings = Settings(
            self.folder, self.folder / "keys", MASTER, self.folder / "budgets", oldest=self.oldest, pace=1_000_000
        )
        self.gateway = Gateway(settings, console, pool=pool, tell=self.settled.append)
        listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(self.gateway, log_level="warning", access_log=False, ws="none", http=Front)
        server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(server.serve([listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        return server


@contextmanager
def open_house(folder: Path, **options: Any) -> Iterator[House]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    provider = run(Provider().start())
    house = House(folder, loop, provider, **options)
    house.publish()
    server = run(house.serve())
    try:
        yield house
    finally:
        server.should_exit = True
        server.force_exit = True

        async def end() -> None:
            await house._serving
            await house.gateway.close()
            await house.settler.stop()
            await provider.__aexit__()
            rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        run(end())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
