"""Real identity providers on the loopback, started once for all tests; a browser that signs in there; and a source of each."""

from __future__ import annotations

import html
import re
import select
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import IO, Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from parvis.federation import oidc
from parvis.federation.attributes import Correspondence, GroupRule, RoleRule
from parvis.federation.models import SignInSource
from parvis.institutions.models import Institution
from tests.peers import missing

HERE = Path(__file__).parent
STARTS_WITHIN = 60.0  # seconds: Node's are some, on a machine that does much else
NODE_PACKAGES = HERE / "oidc_provider" / "node_modules"
ROLES = (
    RoleRule("eduPersonAffiliation", "faculty", "teacher", "Droit"),
    RoleRule("eduPersonAffiliation", "student", "student"),
)


@pytest.fixture(scope="session")
def cas_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The addresses of two."""
    command = [sys.executable, str(HERE / "cas_servers.py"), str(tmp_path_factory.mktemp("cas"))]
    yield from _served(command, lambda line: [f"http://127.0.0.1:{port}/cas" for port in line.split()])


@pytest.fixture(scope="session")
def oidc_providers(landing: Landing) -> Iterator[list[str]]:
    """The issuers of two: the first gives user information as JSON, the second as a signed JWT, like ProConnect."""
    if shutil.which("node") is None or not NODE_PACKAGES.is_dir():
        missing("oidc-provider is not installed: npm ci --prefix parvis/federation/tests/oidc_provider")
    command = ["node", str(HERE / "oidc_provider" / "providers.mjs"), landing.address]
    yield from _served(command, lambda line: [f"http://127.0.0.1:{port}" for port in line.split()])


def _served(command: list[str], addresses: Any) -> Iterator[list[str]]:
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        is_said, _, _ = select.select([server.stdout], [], [], STARTS_WITHIN)
        line = server.stdout.readline() if is_said else ""
        assert line, f"it did not start within {STARTS_WITHIN} s, or stopped: {command}"
        yield addresses(line)
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


@dataclass
class Landing:
    """Parvis's address as the providers see it. What they post there is kept, for a test to hand to Parvis."""

    address: str
    posts: Queue[tuple[str, bytes]] = field(default_factory=Queue)

    def client(self) -> Client:
        return Client(headers={"host": urllib.parse.urlsplit(self.address).netloc, "accept-language": "en"})

    def next_post(self) -> tuple[str, bytes]:
        return self.posts.get(timeout=10)


@pytest.fixture(scope="session")
def landing() -> Iterator[Landing]:
    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.posts.put((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keep)
    made = Landing(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


class Person:
    """Somebody at a browser, at the provider's own pages."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._opener = urllib.request.build_opener(_Stay, urllib.request.HTTPCookieProcessor(CookieJar()))

    def log_in(self, address: str, **fields: str) -> str:
        """Fills each form met on the way, and gives the address at Parvis to which the provider leads back."""
        body: bytes | None = None
        for _step in range(12):
            page, address, status = self._open(address, body)
            body = None
            if address.startswith(self._landing.address):
                return address
            if status == 200:
                form = re.search(r"<form[^>]*>", page)
                assert form, page
                target = re.search(r'action="([^"]*)"', form[0])
                address = urllib.parse.urljoin(address, html.unescape(target[1])) if target else address
                hidden = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', page)
                body = urllib.parse.urlencode({name: html.unescape(value) for name, value in hidden} | fields).encode()
        raise AssertionError(f"never came back: {address}")

    def open(self, address: str) -> str:
        return self._open(address, None)[0]

    def _open(self, address: str, body: bytes | None) -> tuple[str, str, int]:
        try:
            with self._opener.open(address, body, timeout=10) as answer:
                return answer.read().decode(), answer.url, answer.status
        except urllib.error.HTTPError as redirect:
            with redirect:
                target = redirect.headers["Location"]
                if target is None:
                    raise AssertionError((redirect.code, redirect.read())) from None
                return "", urllib.parse.urljoin(address, target), redirect.code


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


@pytest.fixture
def someone(landing: Landing) -> Person:
    return Person(landing)


@pytest.fixture(autouse=True)
def _no_provider_is_remembered() -> None:
    oidc.forget()


def cas_source(institution: Institution, server: str, **mapping: Any) -> SignInSource:
    given = {"key": "user", "roles": ROLES, "groups": (GroupRule("isMemberOf", "cn=droit", "Licence de droit"),)}
    return _source(institution, "cas", {"server": server}, Correspondence(**given | mapping))


def oidc_source(institution: Institution, issuer: str, **mapping: Any) -> SignInSource:
    given = {"key": "sub", "roles": ROLES}
    values = {"issuer": issuer, "client_id": "parvis", "scopes": "profile"}
    source = _source(institution, "oidc", values, Correspondence(**given | mapping))
    source.keep_secret("a secret of the tests, at least thirty-two characters")
    return source


def _source(institution: Institution, kind: str, settings: dict[str, str], mapping: Correspondence) -> SignInSource:
    number = SignInSource.unscoped.count()
    source = SignInSource(institution=institution, kind=kind, name=f"{kind} {number}", is_active=True, settings=settings)
    source.correspondence = mapping
    source.save()
    return source


def go(client: Client, source: SignInSource, name: str = "start") -> str:
    """The address at the provider to which Parvis sends."""
    response = client.get(reverse(f"federation:{name}", args=[source.id]))
    assert response.status_code == 302, response.content
    return response.headers["Location"]


def come_back(client: Client, address: str) -> HttpResponse:
    parts = urllib.parse.urlsplit(address)
    response: HttpResponse = client.get(f"{parts.path}?{parts.query}")  # type: ignore[assignment]
    return response


def is_in(client: Client) -> bool:
    return client.get(reverse("access:notices")).status_code == 200
