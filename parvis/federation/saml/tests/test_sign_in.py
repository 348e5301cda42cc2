"""Signing in and out with three providers of SimpleSAMLphp at once."""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from conftest import House
from parvis.audit.models import Entry
from parvis.federation.models import Account, OpenSession, SamlResponse
from parvis.federation.saml import actions
from parvis.federation.saml.tests.conftest import Peers, deliver, metadata_of, post_of, saml_source, seen
from parvis.federation.tests.conftest import Landing, Person, come_back, go, is_in
from parvis.institutions.models import Profile

CLAIRE = {"username": "cdelmas", "password": "samledc"}


def test_three_providers_at_once_each_in_its_way(house: House, site: Landing, peers: Peers) -> None:
    """Encrypted with AES-GCM; only the assertion signed; encrypted with AES-CBC in a signed response, its name encrypted. A
    session is ended by the provider that began it, and by no other."""
    visits = []
    for number, peer in enumerate(peers.each):
        institution = house.institution if number < 2 else house.neighbour_institution
        source = saml_source(institution, metadata_of(peer))
        client, someone = site.client(), Person(site)
        peers.read_our_metadata(client)
        path, form = post_of(site, someone, go(client, source), **CLAIRE)
        assert deliver(site, client, path, form).headers["Location"] == "/"
        account = Account.unscoped.get(source=source)
        assert (account.key, account.person.display_name, account.person.email) == (
            f"cdelmas@{peer.scope}",
            "Claire Delmas",
            "",
        )
        assert [one.role for one in Profile.objects.filter(person=account.person)] == ["teacher"]
        visits.append((peer, client, someone))
    assert not SamlResponse.unscoped.exclude(sealed_body="").exists()  # nothing that came is kept

    for number, (peer, client, someone) in enumerate(visits):
        assert [is_in(other) for _, other, _ in visits] == [False] * number + [True] * (3 - number)
        order = someone.log_in(f"{peer.address}/saml2/idp/initSLO.php?RelayState={peer.address}/logout.php")
        forged = re.sub("SAMLRequest=..", "SAMLRequest=AA", order)
        assert come_back(site.client(), forged).status_code == 400
        assert is_in(client)
        answer = come_back(site.client(), order)  # without the cookie: the order is signed
        assert not is_in(client)
        assert "logged out" in seen(someone, answer.headers["Location"])
    assert OpenSession.unscoped.count() == 0
    assert Entry.objects.filter(action="session.end").count() == 3


def test_signing_out_here_closes_the_session_there(house: House, site: Landing, peers: Peers, someone: Person) -> None:
    peer = peers.each[0]
    source = saml_source(house.institution, metadata_of(peer))
    client, other = site.client(), site.client()
    peers.read_our_metadata(client)
    assert deliver(site, client, *post_of(site, someone, go(client, source), **CLAIRE)).status_code == 302
    assert client.post(reverse("access:sign_out")).headers["Location"] == reverse("access:signed_out")
    elsewhere = client.get(reverse("access:signed_out")).context["address"]
    assert "cdelmas" not in elsewhere
    assert "username" not in seen(someone, go(other, source))  # still open there
    back = someone.log_in(client.get(elsewhere).headers["Location"])
    assert come_back(client, back.replace("SAMLResponse=", "SAMLResponse=A")).status_code == 400
    assert come_back(client, back).headers["Location"] == reverse("access:sign_in")
    assert "username" in seen(someone, go(other, source))
    assert site.client().get(reverse("saml:leave"), {"jeton": "forged"}).status_code == 403


def test_a_response_serves_who_asked_for_it_once_and_as_it_was_signed(
    house: House, site: Landing, peers: Peers, someone: Person
) -> None:
    peer = peers.each[1]
    source = saml_source(house.institution, metadata_of(peer))
    there = saml_source(house.neighbour_institution, metadata_of(peers.each[0]))
    client, thief = site.client(), site.client()
    peers.read_our_metadata(client)
    path, form = post_of(site, someone, go(client, source), **CLAIRE)
    go(thief, source)

    def changed(change: Callable[[str], str]) -> dict[str, str]:
        text = change(base64.b64decode(form["SAMLResponse"]).decode())
        return form | {"SAMLResponse": base64.b64encode(text.encode()).decode()}

    request = re.search('InResponseTo="([^"]+)"', base64.b64decode(form["SAMLResponse"]).decode())
    assert request
    wrong = {
        "without signature": changed(lambda text: re.sub("<ds:Signature.*?</ds:Signature>", "", text, flags=re.DOTALL)),
        "somebody else": changed(lambda text: text.replace("CDelmas@", "admin@")),
        "another request, outside": changed(lambda text: text.replace(request[1], "_other", 1)),
        "another request, everywhere": changed(lambda text: text.replace(request[1], "_other")),
        "to another source": form | {"RelayState": form["RelayState"].replace(f"{source.id}.", f"{there.id}.")},
        "to nobody": form | {"RelayState": ""},
        "empty": form | {"SAMLResponse": ""},
    }
    for name, one in wrong.items():
        go(client, source)  # what is wrong uses the attempt up
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(go(client, source)).query)["RelayState"][0]
        relayed = one | ({"RelayState": state} if one["RelayState"] == form["RelayState"] else {})
        assert deliver(site, client, path, relayed).status_code == 403, name
        assert not is_in(client)

    # Stolen: the same response, in another browser; then in its own, where it was used up by the thief.
    stolen = post_of(site, someone, go(client, source))
    assert deliver(site, thief, *stolen).status_code == 403
    assert deliver(site, client, *stolen).status_code == 403
    own = post_of(site, someone, go(client, source))
    assert deliver(site, client, *own).status_code == 302
    assert is_in(client)
    assert not is_in(thief)
    assert deliver(site, client, *own).status_code == 403  # replayed


def test_a_provider_speaks_for_its_own_domain_only(
    house: House, site: Landing, peers: Peers, sign_in: Callable[[Profile], Client]
) -> None:
    peer = peers.each[0]
    source = saml_source(house.institution, metadata_of(peer))
    client = site.client()
    peers.read_our_metadata(client)
    liar = post_of(site, Person(site), go(client, source), username="liar", password="rail")
    assert deliver(site, client, *liar).status_code == 403
    assert not Account.unscoped.exists()

    # The trial shows what was refused, and what nobody needs.
    administrator = sign_in(house.administrator)
    administrator.defaults["HTTP_HOST"] = site.client().defaults["HTTP_HOST"]
    path, form = post_of(site, Person(site), go(administrator, source, "trial"), **CLAIRE)
    page = deliver(site, administrator, path, form).content.decode()
    assert "eduPersonScopedAffiliation" in page
    assert "ailleurs.example" not in page
    assert "Claire Delmas" in page
    path, form = post_of(site, Person(site), go(administrator, source, "trial"), username="liar", password="rail")
    assert "scope: eduPersonPrincipalName" in deliver(site, administrator, path, form).content.decode()
    path, form = post_of(site, Person(site), go(administrator, source, "trial"), **CLAIRE)
    refused = deliver(site, administrator, path, form | {"SAMLResponse": "AAAA"}).content.decode()
    assert "garbage" in refused
    assert not Account.unscoped.exists()


def test_our_key_changes_while_people_sign_in(house: House, site: Landing, peers: Peers, someone: Person) -> None:
    peer = peers.each[0]
    source = saml_source(house.institution, metadata_of(peer))
    client = site.client()
    old = actions.key_in_use()
    new = actions.announce_key()
    peers.read_our_metadata(client)
    assert deliver(site, client, *post_of(site, someone, go(client, source), **CLAIRE)).status_code == 302
    actions.use_key(new.id)
    assert deliver(site, client, *post_of(site, someone, go(client, source), **CLAIRE)).status_code == 302
    assert not actions.retire_key(new.id)
    assert actions.retire_key(old.id)
    peers.read_our_metadata(client)
    assert deliver(site, client, *post_of(site, someone, go(client, source), **CLAIRE)).status_code == 302
