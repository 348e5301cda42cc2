"""Identity providers of SimpleSAMLphp, and how a browser goes through them."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from parvis.federation.attributes import Correspondence
from parvis.federation.models import SignInSource
from parvis.federation.saml import actions
from parvis.federation.saml.metadata import read_alone
from parvis.federation.saml.tests import simplesamlphp
from parvis.federation.saml.tests.publisher import Publisher, publishing
from parvis.federation.saml.tests.simplesamlphp import Peer
from parvis.federation.tests.conftest import ROLES, Landing, Person, landing, someone
from parvis.institutions.models import Institution
from tests.peers import missing

__all__ = ["landing", "someone"]


@dataclass
class Peers:
    """`folder`: where our metadata are written for them to read."""

    folder: Path
    each: list[Peer] = field(default_factory=list)

    def read_our_metadata(self, client: Client) -> None:
        answer = client.get(reverse("saml:metadata"))
        assert answer.status_code == 200
        (self.folder / simplesamlphp.SERVICE_FILE).write_bytes(answer.content)


@pytest.fixture(scope="session")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    installed = simplesamlphp.place()
    if installed is None:
        missing("SimpleSAMLphp or PHP is not here: .ci/run says how to unpack it in var/peers")
    folder = tmp_path_factory.mktemp("simplesamlphp")
    for each in simplesamlphp.serve(installed, folder):
        yield Peers(folder, each)


@pytest.fixture
def site(settings: LazySettings, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> Landing:
    """Parvis is where the providers think that it is."""
    settings.SITE_URL = landing.address
    monkeypatch.setattr(actions, "KEY_BITS", 2_048)  # made in a tenth of the time
    return landing


def saml_source(institution: Institution, metadata: str | bytes, **mapping: Any) -> SignInSource:
    """Of metadata given by hand."""
    body = metadata if isinstance(metadata, bytes) else metadata.encode()
    provider, own = read_alone(body)
    entity = actions._keep(institution.id, None, provider, own)
    actions.ensure_key()
    source = SignInSource(institution=institution, kind="saml", name=f"saml {SignInSource.unscoped.count()}", is_active=True)
    source.settings = {"entity_id": entity.entity_id, "federation": None, "domains": " ".join(provider.scopes)}
    source.correspondence = Correspondence(**{"key": "eduPersonPrincipalName", "roles": ROLES} | mapping)
    source.save()
    return source


def metadata_of(peer: Peer) -> bytes:
    with urllib.request.urlopen(peer.entity_id, timeout=10) as answer:
        return bytes(answer.read())


def post_of(landing: Landing, someone: Person, address: str, **fields: str) -> tuple[str, dict[str, str]]:
    """Signs in at the provider, and gives what its page posts to Parvis."""
    someone.log_in(address, **fields)
    path, body = landing.next_post()
    return path, dict(urllib.parse.parse_qsl(body.decode()))


def seen(someone: Person, address: str) -> str:
    """The page to which this leads."""
    for _step in range(8):
        page, address, status = someone._open(address, None)
        if status == 200:
            return page
    raise AssertionError(address)


def deliver(landing: Landing, client: Client, path: str, form: dict[str, str]) -> HttpResponse:
    """Posts it, as from another site without a cookie, then follows to where the browser brings its own."""
    posted = landing.client().post(path, form)
    if posted.status_code != 303:
        return posted  # type: ignore[return-value]
    return client.get(posted.headers["Location"])  # type: ignore[return-value]


@pytest.fixture(scope="session")
def running_publisher() -> Iterator[Publisher]:
    with publishing() as made:
        yield made


@pytest.fixture
def publisher(running_publisher: Publisher) -> Publisher:
    running_publisher.files.clear()
    running_publisher.asked.clear()
    return running_publisher
