"""Every check of scim2-tester, against a server that listens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from pytest_django.live_server_helper import LiveServer

from conftest import House
from parvis.federation.models import ScimSetup
from parvis.federation.provisioning.tests.conftest import make_token


@pytest.fixture(autouse=True)
def _answers_leave_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' server writes headers and body apart: the second would wait 40 ms for the first to be acknowledged."""
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)


@pytest.mark.django_db(transaction=True)
def test_every_check_of_the_peer_succeeds(house: House, live_server: LiveServer) -> None:
    ScimSetup.unscoped.create(institution=house.institution, keeps_mail=True)
    with peer(live_server, make_token(house, house.administrator)) as checked:
        results = checked("")
        ScimSetup.unscoped.update(keeps_mail=False)
        without_mail = checked("discovery")
    assert {status for status, _ in results} == {"SUCCESS"}, [reason for status, reason in results if status != "SUCCESS"]
    assert {status for status, _ in without_mail} == {"SUCCESS", "SKIPPED"}, [reason for _, reason in without_mail]
    assert len(results) >= 75


@contextmanager
def peer(live_server: LiveServer, token: str) -> Iterator[Callable[[str], list[tuple[str, str]]]]:
    command = [sys.executable, "-m", "parvis.federation.provisioning.tests.peer", f"{live_server.url}/scim/v2", token]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        asked, said = process.stdin, process.stdout

        def checked(tags: str) -> list[tuple[str, str]]:
            asked.write(f"{tags}\n")
            asked.flush()
            return [(status, reason) for status, reason in json.loads(said.readline())]

        yield checked
        asked.close()
