"""A real browser against the real thing: the demonstration, served by its own command, on a free port."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
# Chromium looks for updates and hosts of its own at start: nothing here may leave this machine.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]

Visit = Callable[..., Page]

expect.set_options(timeout=15_000)  # a busy machine is slow, and no less right


@dataclass(frozen=True)
class Demo:
    """Where the demonstration answers, and what its commands are run with."""

    address: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def address(demo: Demo) -> str:
    return demo.address


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("demo")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PARVIS_", "DJANGO_"))}
    environment |= {"PARVIS_DATA_DIR": str(folder / "data"), "LANG": "C.UTF-8", "PARVIS_PRIVATE_HOSTS": "127.0.0.1"}
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "parvis.cli", "demo", "--port", str(port)]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", server, folder / "log")
        yield Demo(f"http://127.0.0.1:{port}", environment)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_until_ready(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _attempt in range(360):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/sante/", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise AssertionError(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert CHROMIUM, "Chromium is not installed: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def sessions() -> dict[str, StorageState]:
    """What a browser holds of each person who has signed in: they do so once, by the page that is for it."""
    return {}


@pytest.fixture
def visit(browser: Browser, address: str, sessions: dict[str, StorageState]) -> Iterator[Visit]:
    """Opens a page as somebody: visit("/", as_="Claire Delmas", width=390, dark=True, scripts=False).

    The page fails the test if it asks anything of another host or if its scripts raise.
    """
    contexts: list[BrowserContext] = []
    strays: list[str] = []

    def open_page(
        path: str = "/",
        *,
        as_: str | re.Pattern[str] | None = None,
        width: int = 1280,
        dark: bool = False,
        scripts: bool = True,
    ) -> Page:
        who = as_.pattern if isinstance(as_, re.Pattern) else as_ or ""
        context = browser.new_context(
            storage_state=sessions.get(who),
            base_url=address,
            locale="fr-FR",
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: None if request.url.startswith((address, "data:")) else strays.append(request.url))
        page.on("pageerror", lambda error: strays.append(str(error)))
        if as_ and who not in sessions:
            page.goto("/connexion/")
            page.locator("details.sign-in-door summary").click()
            with page.expect_navigation():
                page.get_by_role("button", name=as_).click()
            sessions[who] = context.storage_state()
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert strays == []
