"""Signing in and out with three providers of SimpleSAMLphp at once."""

from __future__ import annotations

import urllib.parse

import pytest
from django.urls import reverse

from conftest import House
from parvis.federation.models import Account, OpenSession
from parvis.federation.saml.tests.conftest import Peers, deliver, metadata_of, post_of, saml_source
from parvis.federation.tests.conftest import Landing, Person, go, is_in
from parvis.institutions.models import Profile


def test_three_providers_each_in_its_way(house: House, site: Landing, peers: Peers) -> None:
    """Encrypted with AES-GCM; only the assertion signed; encrypted with AES-CBC in a signed response."""
    for number, peer in enumerate(peers.each):
        institution = house.institution if number < 2 else house.neighbour_institution
        source = saml_source(institution, metadata_of(peer))
        client = site.client()
        peers.read_our_metadata(client)
        path, form = post_of(site, Person(site), go(client, source), username="cdelmas", password="samledc")
        assert deliver(client, path, form).headers["Location"] == "/"
        assert is_in(client)
        account = Account.unscoped.get(source=source)
        assert (account.key, account.person.display_name, account.person.email) == (
            f"cdelmas@{peer.scope}",
            "Claire Delmas",
            "",
        )
        assert [one.role for one in Profile.objects.filter(person=account.person)] == ["teacher"]
    assert OpenSession.unscoped.exclude(subject="").count() == 3
