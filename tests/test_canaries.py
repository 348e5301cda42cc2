"""Secrets that were planted are nowhere to be read: logs at their most talkative, pages of errors, reports, exports, dumps."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import technical_500_response
from pytest_django import Settings

from conftest import House
from parvis.access.secrets.actions import inspect, rotate
from parvis.access.secrets.keyring import keyring
from parvis.cli.doctor import _findings
from parvis.federation.models import Kind, SignInSource
from parvis.inference.door import routes_of
from parvis.inference.models import Provider
from parvis.inference.tests.conftest import running
from parvis.inference.tests.model_server import refusing
from parvis.institutions.models import Profile
from parvis.privacy.tests.conftest import committed as committed  # fixtures
from parvis.privacy.tests.conftest import data_folder as data_folder
from parvis.privacy.tests.conftest import hits, stores

SignIn = Callable[[Profile], Client]
OF_A_MODEL, OF_A_SOURCE, OF_THE_MAIL = "sk-canari-4f1d77", "oidc-canari-8812c0", "smtp-canari-5590ab"
CANARIES = (OF_A_MODEL, OF_A_SOURCE, OF_THE_MAIL)


@pytest.fixture
def planted(house: House, sign_in: SignIn, settings: Settings) -> Iterator[tuple[Client, int]]:
    """Typed in their pages by an administrator; the server of the model repeats the key that it refuses."""
    settings.EMAIL_HOST_PASSWORD = OF_THE_MAIL
    administrator = sign_in(house.administrator)
    with running(refusing(401, f"bad key {OF_A_MODEL}")) as server:
        model = {
            "provider_name": "Serveur",
            "kind": "openai",
            "base_url": f"{server.url}/v1",
            "secret": OF_A_MODEL,
            "zone": "on_prem",
            "name": "m",
            "display_name": "Modèle",
            "purpose": "chat",
        }
        assert administrator.post("/modeles/nouveau/", model).status_code == 302
        source = SignInSource.unscoped.create(
            institution=house.institution,
            kind=Kind.OIDC,
            name="ProConnect",
            settings={"issuer": server.url, "client_id": "parvis"},
        )
        source.keep_secret(OF_A_SOURCE)
        yield administrator, source.id


def sinks(administrator: Client, source_id: int, logged: io.StringIO) -> Iterator[tuple[str, bytes]]:
    provider = Provider.unscoped.get()
    model_id = provider.models.get().id
    addresses = [
        "/modeles/",
        f"/modeles/{model_id}/",
        "/sources/",
        f"/sources/{source_id}/",
        reverse("privacy:register"),
        reverse("privacy:register_file", args=["csv"]),
        reverse("evidence:entries"),
        reverse("evidence:table"),
    ]
    tried = administrator.post(f"/modeles/{model_id}/essai/", follow=True)
    yield "the trial of a model", tried.content
    assert provider.models.count() == 1
    trial = administrator.get(f"/sources/{source_id}/essai/", follow=False)
    yield "the trial of a source", trial.content + str(trial.headers).encode()
    for address in addresses:
        page = administrator.get(address, follow=True)
        content = b"".join(page.streaming_content) if page.streaming else page.content  # type: ignore[attr-defined]
        yield address, content
    copy = administrator.post(reverse("privacy:copy"))
    yield "a person’s copy", b"".join(copy.streaming_content)  # type: ignore[attr-defined]
    yield "doctor", repr(list(_findings())).encode()
    yield "what represents them", repr([provider, keyring(), routes_of(provider.institution_id, "chat")]).encode()
    dump = io.StringIO()
    call_command("dumpdata", stdout=dump)
    yield "dump", dump.getvalue().encode()
    yield "environment", json.dumps(dict(os.environ)).encode()
    yield "logs", logged.getvalue().encode()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that any library says, at its most talkative."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    names = [None, "parvis", "django", "django.db.backends", "asyncio", "aiohttp", "urllib3"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield text
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_a_planted_secret_is_read_nowhere(
    committed: None, planted: tuple[Client, int], logged: io.StringIO, data_folder: Path, settings: Settings
) -> None:
    administrator, source_id = planted
    assert Provider.unscoped.get().secret == OF_A_MODEL, "it is there to be used"
    found = list(sinks(administrator, source_id, logged))
    assert len(found) >= 15
    key_material = keyring().current.value.hex()
    assert hits(found, *CANARIES, key_material) == []
    assert hits([one for one in found if one[0] != "environment"], settings.SECRET_KEY) == []  # the tests give it there
    assert hits(((name, content) for name, content in stores(data_folder) if name != "secrets.keys"), *CANARIES) == []
    assert (data_folder / "secrets.keys").stat().st_mode & 0o777 == 0o600


def test_the_search_would_have_seen_one(logged: io.StringIO) -> None:
    logging.getLogger("aiohttp.client").debug("Authorization: Bearer %s", OF_A_MODEL)
    assert hits([("logs", logged.getvalue().encode())], *CANARIES) == [
        f"logs: {OF_A_MODEL} (raw)",
        f"logs: {OF_A_MODEL} (quoted)",
        f"logs: {OF_A_MODEL} (plus)",
    ]


@pytest.mark.parametrize("debug", [False, True])
def test_a_page_of_errors_shows_no_variable(settings: Settings, debug: bool) -> None:
    settings.DEBUG = debug
    settings.MODEL_KEY = OF_THE_MAIL

    def view(request: HttpRequest) -> HttpResponse:
        api_key = OF_A_MODEL
        words = {"harmless name": OF_A_SOURCE}
        raise RuntimeError(f"failed for {len(api_key) + len(words)} reasons")

    request = RequestFactory().post("/?x=1", {"secret": OF_A_SOURCE}, headers={"authorization": f"Bearer {OF_A_MODEL}"})
    request.COOKIES["parvis_session"] = OF_THE_MAIL
    try:
        view(request)
    except RuntimeError as error:
        shown = technical_500_response(request, type(error), error, error.__traceback__).content
    assert b"failed for" in shown
    assert hits([("page", shown)], *CANARIES) == []


def test_what_is_rotated_says_counts_only(planted: tuple[Client, int], logged: io.StringIO) -> None:
    rotated = rotate()
    assert rotated.sealed_again == inspect().sealed == 2
    assert hits([("said", repr(rotated).encode()), ("logs", logged.getvalue().encode())], *CANARIES) == []
