"""What a federation says is believed as far as its key goes, and what it says of a provider as far as its scope does."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone
from lxml import etree

from conftest import House
from parvis.federation.failure import SignInError
from parvis.federation.models import SignInSource
from parvis.federation.saml import actions, metadata
from parvis.federation.saml.inventory import federations, refresh_now
from parvis.federation.saml.jobs import refresh_federations
from parvis.federation.saml.markup import METADATA, PROTOCOL, parse
from parvis.federation.saml.models import Entity, Federation, ServiceKey
from parvis.federation.saml.signatures import key_of_pem, pem, sign
from parvis.federation.saml.tests import made
from parvis.federation.saml.tests.conftest import saml_source
from parvis.federation.saml.tests.made import aggregate, descriptor, pair
from parvis.federation.saml.tests.publisher import Publisher
from parvis.institutions.models import Institution

KEY, NEXT, OTHER = pair("federation"), pair("federation, next"), pair("somebody else")
SOON = made.stamp(timezone.now() + timedelta(days=9))


def verified(document: bytes, *keys: made.Pair) -> bytes:
    out = io.BytesIO()
    metadata.verify(io.BytesIO(document), out, [key.public for key in keys])
    return out.getvalue()


def whole(number: int = 3) -> bytes:
    return aggregate(
        [descriptor(f"https://idp{n}.example", scope=f"univ{n}.example", name=f"Université {n}") for n in range(number)]
    )


def test_an_aggregate_is_verified_in_a_stream_as_it_is_whole() -> None:
    document = whole()
    root = parse(document)
    root.remove(root[0])
    assert verified(document, OTHER, KEY) == etree.tostring(root, method="c14n", exclusive=True)
    found = list(metadata.split(io.BytesIO(verified(document, KEY))))
    assert [(one.name, one.scopes) for one, _ in found] == [(f"Université {n}", (f"univ{n}.example",)) for n in range(3)]
    assert all(metadata.read(parse(body)) == one for one, body in found)


def test_name_spaces_comments_and_odd_characters_make_no_difference() -> None:
    inside = '<x:y xmlns:x="urn:x" xmlns="urn:z" x:b="é&#9;&quot;&amp;&lt;" a="1"><z/>&#13;&gt; &amp;</x:y>'
    entities = [
        descriptor("https://a.example", inside=inside),
        "<!-- nobody -->",
        descriptor("https://b.example", name="A &amp; B"),
    ]
    document = aggregate(entities)
    assert [one.name for one, _ in metadata.split(io.BytesIO(verified(document, KEY)))] == ["Université d’ici", "A & B"]
    commented = document.replace(b"A &amp; B", b"A &amp;<!-- x --> B")
    assert verified(commented, KEY) == verified(document, KEY)


def test_one_provider_alone_may_be_signed_too() -> None:
    root = parse(descriptor(attributes=' ID="_one"').encode())
    document = sign(root, KEY.private, KEY.certificate)
    assert [one.entity_id for one, _ in metadata.split(io.BytesIO(verified(document, KEY)))] == [made.ENTITY_ID]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda one: one.replace(b"univ1.example", b"univ9.example"),
        lambda one: one.replace(b"\n</md:EntitiesDescriptor>", b"</md:EntitiesDescriptor>"),
        lambda one: one.replace(b'Name="fer"', b'Name="other"'),
        lambda one: one.replace(b"</md:Ent", descriptor("https://evil.example").encode() + b"</md:Ent", 1),
        lambda one: one[: one.rindex(b"<md:EntityDescriptor")] + b"</md:EntitiesDescriptor>",
        lambda one: b'<!DOCTYPE x [<!ENTITY e "x">]>' + one.partition(b"?>")[2],
        lambda one: b"<x>" + one.partition(b"?>")[2] + b"</x>",
        lambda one: one[: len(one) // 2],
        lambda one: b"",
        lambda one: b"<html/>",
        lambda _one: aggregate([descriptor("https://evil.example")], OTHER),
        lambda one: one.replace(b'ID="_federation"', b'ID="_other"', 1),
        lambda one: one.replace(b"<md:EntityDescriptor ", b'<md:EntityDescriptor ID="_federation" ', 1),
    ],
    ids=range(13),
)  # fmt: skip
def test_an_aggregate_that_was_touched_is_refused(wrong: object) -> None:
    document = whole()
    verified(document, KEY)
    with pytest.raises(SignInError):
        verified(wrong(document), KEY)  # type: ignore[operator]


def test_what_cannot_be_read_hides_nobody_and_patterns_of_domains_count_for_nothing() -> None:
    strange = [
        descriptor("https://no-key.example", certificate="AAAA"),
        descriptor("https://late.example", attributes=' validUntil="tomorrow"'),
        f'<md:EntityDescriptor xmlns:md="{METADATA}" entityID="https://service.example"><md:SPSSODescriptor '
        f'protocolSupportEnumeration="{PROTOCOL}"/></md:EntityDescriptor>',
        descriptor("https://js.example").replace("https://js.example/sso", "javascript:alert(1)"),
        descriptor("https://pattern.example", scope=r".*\.example").replace('regexp="false"', 'regexp="true"'),
        descriptor("https://good.example"),
    ]
    found = [one for one, _ in metadata.split(io.BytesIO(verified(aggregate(strange), KEY)))]
    assert [(one.entity_id, one.scopes) for one in found] == [
        ("https://pattern.example", ()),
        ("https://good.example", ("ici.example",)),
    ]


def federation(institution: Institution, address: str, *keys: made.Pair, kind: str = "aggregate") -> Federation:
    row = Federation(institution=institution, name=f"F {Federation.unscoped.count()}", kind=kind, address=address)
    row.keys = [pem(key.public) for key in keys or (KEY,)]
    row.save()
    return row


def source_in(row: Federation, entity_id: str) -> SignInSource:
    source = saml_source(row.institution, descriptor("https://scratch.example"))
    source.settings = {"entity_id": entity_id, "federation": row.id}
    source.save()
    return source


def test_the_worker_reads_what_is_due_and_forgets_who_left(house: House, publisher: Publisher) -> None:
    entities = [descriptor(f"https://idp{n}.example", name=f"Université {n}") for n in range(3)]
    address = publisher.publish("/all", aggregate(entities, until=SOON))
    row = federation(house.institution, address)
    assert refresh_federations(lambda: False)
    assert not refresh_federations(lambda: False)  # read: not due for an hour
    source, kept = source_in(row, "https://idp2.example"), set(Entity.unscoped.values_list("id", flat=True))
    assert actions.provider_of(source).name == "Université 2"
    later = timezone.now() + timedelta(hours=2)
    assert actions.refresh(row, now=later) == ""  # 304

    changed = [entities[0], descriptor("https://idp1.example", name="Renommée"), descriptor("https://idp3.example")]
    publisher.publish("/all", aggregate(changed, until=SOON))
    assert refresh_now(row.id) == [(row.name, 3, "")]
    names = dict(row.entities.values_list("entity_id", "name"))
    assert names["https://idp1.example"] == "Renommée"
    assert "https://idp2.example" not in names
    assert kept & set(row.entities.values_list("id", flat=True))  # who did not change was not written
    with pytest.raises(SignInError, match="gone"):
        actions.provider_of(source)

    # What is refused takes nothing from what was known.
    for wrong in (
        aggregate(changed, OTHER, until=SOON),
        aggregate(changed),
        aggregate(changed, until="2020-01-01T00:00:00Z"),
        b"<x/>",
    ):
        publisher.publish("/all", wrong)
        assert actions.refresh(row, now=later)
        assert row.entities.count() == 3
    assert federations()[0]["problem"]
    Federation.unscoped.filter(id=row.id).update(valid_until=timezone.now() - timedelta(seconds=1))
    source.settings["entity_id"] = "https://idp1.example"
    with pytest.raises(SignInError, match="expired"):
        actions.provider_of(source)


def test_a_federation_changes_its_key(house: House, publisher: Publisher) -> None:
    """Two keys are believed meanwhile; then only the new one."""
    address = publisher.publish("/all", aggregate([descriptor()], KEY, until=SOON))
    row = federation(house.institution, address, KEY, NEXT)
    now = timezone.now()
    assert actions.refresh(row, now=now) == ""
    publisher.publish("/all", aggregate([descriptor()], NEXT, until=SOON))
    assert actions.refresh(row, now=now) == ""
    row.refresh_from_db()
    values = actions.FederationValues(row.name, row.kind, row.address, [NEXT.pem])
    actions.edit_federation(house.principal(house.administrator), row, values)
    assert row.entities.count() == 1
    assert actions.refresh(row, now=now) == ""
    publisher.publish("/all", aggregate([descriptor(name="Autre")], KEY, until=SOON))
    row.refresh_from_db()
    assert actions.refresh(row, now=now).startswith("signature")
    # Believed by none of the former keys: what they vouched for is forgotten.
    values = actions.FederationValues(row.name, row.kind, row.address, [OTHER.pem])
    actions.edit_federation(house.principal(house.administrator), row, values)
    assert row.entities.count() == 0


def test_one_provider_at_a_time_by_its_name(house: House, publisher: Publisher) -> None:
    entity_id = "https://idp.ici.example/saml"
    one = sign(parse(descriptor(attributes=f' ID="_a" validUntil="{SOON}"').encode()), KEY.private, KEY.certificate)
    publisher.publish("/fer/entities/" + metadata.digest_name(entity_id) + ".xml", one)
    publisher.publish("/entities/https%3A%2F%2Fidp.ici.example%2Fsaml", one)
    publisher.publish("/entities/https%3A%2F%2Fother.example", one)
    renater = federation(house.institution, publisher.address + "/fer/entities/{sha1}.xml", kind="mdq")
    assert actions.entity_of(renater, entity_id).scopes == ["ici.example"]
    plain = federation(house.institution, publisher.address, kind="mdq")
    assert actions.entity_of(plain, entity_id).entity_id == entity_id
    for wrong in ("https://other.example", "https://absent.example"):  # another's file, and none
        with pytest.raises(SignInError):
            actions.entity_of(plain, wrong)

    source_in(plain, entity_id)
    publisher.asked.clear()
    assert actions.refresh(plain, now=timezone.now()) == ""
    assert publisher.asked == ["/entities/https%3A%2F%2Fidp.ici.example%2Fsaml"]
    Entity.unscoped.filter(federation=plain).update(valid_until=timezone.now())
    with pytest.raises(SignInError, match="expired"):
        actions.provider_of(SignInSource.unscoped.get())


def test_two_institutions_trust_the_same_name_by_different_keys(house: House, publisher: Publisher) -> None:
    """Each reads its own federation: what one believes of a provider is nothing to the other."""
    here = federation(house.institution, publisher.publish("/1", aggregate([descriptor()], KEY, until=SOON)))
    evil = descriptor(certificate=OTHER.certificate, scope="evil.example")
    there = federation(house.neighbour_institution, publisher.publish("/2", aggregate([evil], OTHER, until=SOON)), OTHER)
    assert [problem for _, _, problem in refresh_now(0)] == ["", ""]
    ours, theirs = source_in(here, made.ENTITY_ID), source_in(there, made.ENTITY_ID)
    assert actions.provider_of(ours).scopes == ("ici.example",)
    assert actions.provider_of(theirs).scopes == ("evil.example",)
    theirs.settings["federation"] = here.id
    with pytest.raises(SignInError, match="gone"):
        actions.provider_of(theirs)


def test_a_key_of_ours_is_bound_to_its_row(db: None) -> None:
    actions.ensure_key()
    first = actions.key_in_use()
    second = actions.announce_key()
    assert actions.service_keys() == [first, second]
    ServiceKey.unscoped.filter(id=second.id).update(sealed_secret=first.sealed_secret)
    with pytest.raises(SignInError, match="secret"):
        actions.service()
    assert key_of_pem(KEY.pem) == KEY.public
