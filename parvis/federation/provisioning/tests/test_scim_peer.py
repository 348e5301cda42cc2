"""Every check of scim2-tester, against a server that listens."""

from __future__ import annotations

from collections import Counter

import pytest
from httpx2 import Client
from pytest_django.live_server_helper import LiveServer
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from conftest import House
from parvis.federation.models import ScimSetup
from parvis.federation.provisioning.tests.conftest import make_token


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("keeps_mail", [False, True])
def test_every_check_of_the_peer_succeeds(house: House, live_server: LiveServer, *, keeps_mail: bool) -> None:
    ScimSetup.unscoped.create(institution=house.institution, keeps_mail=keeps_mail)
    token = make_token(house, house.administrator)
    with Client(base_url=f"{live_server.url}/scim/v2", headers={"Authorization": f"Bearer {token}"}) as http:
        results = check_server(SyncSCIMClient(http))
    found = Counter(result.status for result in results)
    print(f"scim2-tester, {'with' if keeps_mail else 'without'} addresses: {dict(found)}")
    assert [f"{result.title}: {result.reason}" for result in results if result.status is not Status.SUCCESS] == []
    assert found[Status.SUCCESS] > 60
