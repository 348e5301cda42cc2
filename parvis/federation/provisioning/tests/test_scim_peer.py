"""Every check of scim2-tester, against a server that listens."""

from __future__ import annotations

import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from httpx2 import Client
from pytest_django.live_server_helper import LiveServer
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

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
    headers = {"Authorization": f"Bearer {make_token(house, house.administrator)}"}
    with Client(base_url=f"{live_server.url}/scim/v2", headers=headers) as http:
        results = check_server(SyncSCIMClient(http))
        ScimSetup.unscoped.update(keeps_mail=False)
        without_mail = check_server(SyncSCIMClient(http), include_tags={"discovery"})
    assert {one.status for one in results} == {Status.SUCCESS}, [
        one.reason for one in results if one.status is not Status.SUCCESS
    ]
    assert {one.status for one in without_mail} == {Status.SUCCESS, Status.SKIPPED}, [one.reason for one in without_mail]
    assert len(results) >= 75
