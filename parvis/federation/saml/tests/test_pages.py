"""The pages where an administrator chooses whom to believe, and what the provider's side reads of us."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from conftest import House
from parvis.audit.models import Entry
from parvis.federation.models import SignInSource
from parvis.federation.saml import actions
from parvis.federation.saml.markup import METADATA, SIGNATURE, parse, tag
from parvis.federation.saml.metadata import read_alone
from parvis.federation.saml.models import Entity, Federation
from parvis.federation.saml.signatures import key_of_certificate, verified
from parvis.federation.saml.tests import made
from parvis.federation.saml.tests.conftest import saml_source
from parvis.federation.saml.tests.made import aggregate, descriptor, pair
from parvis.federation.saml.tests.publisher import Publisher
from parvis.institutions.models import Profile

SignIn = Callable[[Profile], Client]
SOON = made.stamp(timezone.now() + timedelta(days=9))
RULES = {
    "roles-TOTAL_FORMS": "1",
    "roles-INITIAL_FORMS": "0",
    "roles-0-attribute": "eduPersonAffiliation",
    "roles-0-value": "student",
    "roles-0-role": "student",
    "groups-TOTAL_FORMS": "0",
    "groups-INITIAL_FORMS": "0",
}


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "KEY_BITS", 2_048)


def test_a_source_is_chosen_in_a_federation_with_its_own_logo(house: House, publisher: Publisher, sign_in: SignIn) -> None:
    image = io.BytesIO()
    Image.new("RGB", (200, 100), "navy").save(image, "PNG")
    logo = publisher.publish("/logo.png", image.getvalue())
    image_of = f'<mdui:Logo height="100" width="200">{logo}</mdui:Logo>'
    shown = f'<mdui:UIInfo xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui">{image_of}</mdui:UIInfo>'
    entities = [descriptor(inside=shown), *(descriptor(f"https://i{n}.example", name=f"École {n}") for n in range(40))]
    address = publisher.publish("/all", aggregate(entities, until=SOON))
    client = sign_in(house.administrator)
    assert client.get(reverse("federation:add", args=["saml"])).headers["Location"] == reverse("saml:choice")
    assert client.get(reverse("saml:choice")).status_code == 200

    given = {"name": "Fédération d’essai", "kind": "aggregate", "address": address, "keys": f"{pair('federation').pem}\n"}
    add = reverse("saml:add_federation")
    assert client.get(add).status_code == 200
    wrongs = (
        {"keys": "MIIC"},
        {"keys": given["keys"] * 3},
        {"keys": pair("weak", 1_024).pem},
        {"address": "http://federation.example/all"},
        {"address": "https://10.0.0.1/all"},
        {"address": address + "/{sha1}"},
    )
    for wrong in wrongs:
        assert client.post(add, given | wrong).status_code == 422, wrong
    page = client.post(add, given).headers["Location"]
    assert b"hx-trigger" in client.get(page).content  # it waits for the worker
    row = Federation.unscoped.get()
    assert actions.refresh(row, now=timezone.now()) == ""
    shown_page = client.get(page)
    assert row.fingerprints[0].encode() in shown_page.content
    assert shown_page.context["count"] == 41
    found = client.get(page, {"q": "universite ICI.example"})
    assert [one.entity_id for one in found.context["page"]] == [made.ENTITY_ID]
    assert list(client.get(page, {"q": "absente"}).context["page"]) == []

    entity = Entity.unscoped.get(entity_id=made.ENTITY_ID)
    form = reverse("saml:add", args=[entity.id])
    assert "ici.example" in client.get(form).content.decode()
    assert b'name="domains"' not in client.get(form).content
    assert client.post(form, RULES | {"name": "Ici", "key": "mail"}).status_code == 422
    assert client.post(form, RULES | {"name": "Ici", "key": "subject-id"}).status_code == 302
    source = SignInSource.unscoped.get()
    assert source.settings == {"entity_id": made.ENTITY_ID, "federation": row.id}
    assert client.get(reverse("federation:logo", args=[source.id])).content[1:4] == b"PNG"
    detail = client.get(reverse("federation:source", args=[source.id])).content.decode()
    assert "Fédération d’essai" in detail
    assert b"F\xc3\xa9d\xc3\xa9ration d\xe2\x80\x99essai" in client.get(reverse("federation:list")).content
    edit = reverse("federation:edit", args=[source.id])
    assert client.post(edit, RULES | {"name": "Ici même", "key": "subject-id"}).status_code == 302
    source.refresh_from_db()
    assert (source.name, source.settings["federation"]) == ("Ici même", row.id)

    # Where are you from? By name, with the logo that this server serves.
    client.post(reverse("federation:activation", args=[source.id]), {"active": "1"})
    choice = Client().get(reverse("federation:choice"), {"q": "meme"}).content.decode()
    assert reverse("federation:logo", args=[source.id]) in choice
    assert publisher.address not in choice

    # A source needs it: it stays.
    client.post(reverse("saml:federation_removal", args=[row.id]))
    assert Federation.unscoped.exists()
    client.post(reverse("federation:deletion", args=[source.id]))
    client.post(reverse("saml:reading", args=[row.id]))
    assert Federation.unscoped.get().tried_at is None
    client.post(reverse("saml:federation_removal", args=[row.id]))
    assert not Entity.unscoped.exists()
    actions_kept = [entry.action for entry in Entry.objects.filter(subject=f"federation:{row.id}")]
    assert actions_kept == ["federation.add", "federation.delete"]


def test_metadata_by_hand_name_their_domains(house: House, publisher: Publisher, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    choice = reverse("saml:choice")
    address = publisher.publish("/idp", descriptor(scope="ICI.example").encode())
    both, absent = {"address": address, "text": "x"}, {"address": publisher.address}
    for wrong in ({"text": ""}, {"text": "<x/>"}, {"text": "no"}, both, absent):
        assert client.post(choice, wrong).status_code == 422, wrong
    form = client.post(choice, {"address": address}).headers["Location"]
    assert client.post(choice, {"text": descriptor()}).headers["Location"] == form  # read again: the same one
    assert b"ici.example" in client.get(form).content
    sent = RULES | {"name": "Ici", "key": "eduPersonPrincipalName", "domains": "ici.example, sub.ici.example"}
    assert client.post(form, sent | {"domains": "a@b"}).status_code == 422
    assert client.post(form, sent).status_code == 302
    source = SignInSource.unscoped.get()
    assert actions.provider_of(source).scopes == ("ici.example", "sub.ici.example")


def test_one_entity_is_asked_for(house: House, publisher: Publisher, sign_in: SignIn) -> None:
    client = sign_in(house.administrator)
    sent = {"name": "Par entité", "kind": "mdq", "address": publisher.address, "keys": pair("federation").pem}
    page = client.post(reverse("saml:add_federation"), sent).headers["Location"]
    assert b"hx-trigger" not in client.get(page).content, "nothing is in use, so nothing will be read"
    refused = client.post(page, {"entity": made.ENTITY_ID})
    assert refused.status_code == 422
    assert "ne donne rien sous ce nom" in refused.content.decode()
    document = aggregate([descriptor()], until=SOON)
    publisher.publish("/entities/https%3A%2F%2Fidp.ici.example%2Fsaml", document)
    assert client.post(page, {"entity": made.ENTITY_ID}).status_code == 302


def test_our_metadata_ask_for_what_rules_read(house: House, sign_in: SignIn) -> None:
    address = reverse("saml:metadata")
    assert Client().get(address).status_code == 404  # no key before the first source
    source = saml_source(house.institution, descriptor(), key="subject-id", keeps_mail=True)
    saml_source(house.neighbour_institution, descriptor())
    actions.announce_key()

    def requested(body: bytes) -> set[str]:
        return {str(one.get("FriendlyName")) for one in parse(body).iter(tag(METADATA, "RequestedAttribute"))}

    whole = Client().get(address).content
    own = Client().get(reverse("saml:metadata_of_source", args=[source.id])).content
    named = {"displayName", "givenName", "sn", "cn", "eduPersonAffiliation"}
    assert requested(own) == named | {"subject-id", "mail"}
    assert requested(whole) == named | {"subject-id", "mail", "eduPersonPrincipalName"}
    root = parse(whole)
    assert root.get("entityID", "").endswith(address)
    keys = [
        key_of_certificate(one.text or "")
        for one in root.iterfind(f".//{tag(METADATA, 'KeyDescriptor')}//{tag(SIGNATURE, 'X509Certificate')}")
    ]
    assert len(keys) == 4  # each of two, to sign and to be written to
    verified(root, keys[:1])


def test_nobody_but_its_administrator_finds_a_federation(house: House, sign_in: SignIn) -> None:
    row = Federation.unscoped.create(
        institution=house.neighbour_institution, name="F", kind="aggregate", address="https://f.example"
    )
    provider, body = read_alone(descriptor().encode())
    entity = actions._keep(row.institution_id, row, provider, body)
    for profile in (house.administrator, house.neighbour_teacher):
        client = sign_in(profile)
        for name in ("federation", "edit_federation"):
            assert client.get(reverse(f"saml:{name}", args=[row.id])).status_code == 404
        for name in ("reading", "federation_removal"):
            assert client.post(reverse(f"saml:{name}", args=[row.id])).status_code == 404
        assert client.get(reverse("saml:add", args=[entity.id])).status_code == 404
    assert Federation.unscoped.exists()
    assert sign_in(house.teacher).get(reverse("saml:choice")).status_code == 404
