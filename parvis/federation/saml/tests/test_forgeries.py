"""Nobody is recognised but by the words that the provider signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random

import pytest

from parvis.federation.failure import SignInError
from parvis.federation.saml import responses
from parvis.federation.saml.markup import ASSERTION, canonical, parse
from parvis.federation.saml.metadata import read_alone
from parvis.federation.saml.responses import Arrival, Service
from parvis.federation.saml.tests import made
from parvis.federation.saml.tests.forgeries import encode, genuine, mutations, tricks, wrappings
from parvis.federation.saml.tests.made import NOW, assertion, encrypted, pair, response, signed

PROVIDER, _ = read_alone(made.descriptor().encode())
SERVICE = Service(made.SERVICE, made.LANDING, (pair("parvis").private,))
MUTATIONS = 100  # of the 10,000 of `python -m bench saml`


def read(document: str) -> Arrival:
    return responses.read(encode(document), PROVIDER, SERVICE, now=NOW)


@pytest.mark.parametrize(("name", "document"), genuine().items(), ids=list(genuine()))
def test_what_a_provider_signs_is_read(name: str, document: str) -> None:
    arrival = read(document)
    assert arrival.attributes["eduPersonPrincipalName"] == ("Lea@Ici.example",), name
    assert (arrival.request, arrival.session, arrival.outside) == (made.REQUEST, "_session", ())
    # A comment is no part of what is signed, and cuts nothing.
    if "encrypted" not in name:
        split = document.replace("Lea@Ici.example", "Lea@<!-- -->Ici.example")
        assert read(split).attributes == arrival.attributes


def test_no_wrapping_is_read() -> None:
    _all_refused(dict(wrappings()), at_least=50)


def test_no_trick_is_read() -> None:
    _all_refused(dict(tricks()), at_least=70)


def test_no_mutation_is_read() -> None:
    _all_refused(
        {str(number): one for number, one in enumerate(mutations(Random(4), MUTATIONS))}, at_least=MUTATIONS, raw=True
    )


def _all_refused(documents: Mapping[str, str], *, at_least: int, raw: bool = False) -> None:
    assert len(documents) >= at_least
    accepted = []
    for name, document in documents.items():
        try:
            responses.read(document if raw else encode(document), PROVIDER, SERVICE, now=NOW)
            accepted.append(name)
        except SignInError:
            continue
    assert accepted == []


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"audience": "https://other.example"},
        {"recipient": "https://other.example"},
        {"request": "_other"},
        {"request": ""},
        {"until": made.stamp(NOW - timedelta(minutes=2))},
        {"from": made.stamp(NOW + timedelta(minutes=2))},
        {"until": "yesterday"},
        {"identifier": "_1 2"},
    ],
    ids=str,
)
def test_a_response_for_another_place_time_or_request_is_refused(changed: dict[str, str]) -> None:
    read(response(signed(assertion())))
    with pytest.raises(SignInError):
        read(response(signed(assertion(**changed))))


@pytest.mark.parametrize(
    "changed", [{"destination": "https://other.example"}, {"issuer": "https://evil.example"}, {"request": "_o"}], ids=str
)
def test_an_envelope_for_another_is_refused(changed: dict[str, str]) -> None:
    for document in (response(signed(assertion()), **changed), signed(response(assertion(), **changed))):
        with pytest.raises(SignInError):
            read(document)


def test_a_weak_key_vouches_for_nobody() -> None:
    weak = pair("weak", 1_024)
    with pytest.raises(SignInError):
        read_alone(made.descriptor(certificate=weak.certificate).encode())


def test_what_is_encrypted_for_another_stays_closed() -> None:
    with pytest.raises(SignInError, match="encryption"):
        read(signed(response(encrypted(assertion(), pair("other").public))))
    for algorithm in ("2001/04/xmlenc#aes128-cbc", "2009/xmlenc11#aes128-gcm"):
        document = signed(response(encrypted(assertion(), pair("parvis").public, algorithm=f"http://www.w3.org/{algorithm}")))
        assert read(document).session == "_session"


def test_a_value_of_another_domain_is_left_out() -> None:
    values = {
        made.EPPN: ["lea@ici.example", "lea@ici.example@evil.example", "@ici.example", "lea"],
        made.SCOPED_AFFILIATION: ["student@ICI.example", "staff@voisin.example", "member@sub.ici.example"],
        "urn:oid:0.9.2342.19200300.100.1.3": ["lea@ailleurs.example"],
        "sub": ["admin"],
        "USER": ["admin"],
    }
    arrival = read(response(signed(assertion(values))))
    assert arrival.attributes == {
        "eduPersonPrincipalName": ("lea@ici.example",),
        "eduPersonScopedAffiliation": ("student@ICI.example",),
        "mail": ("lea@ailleurs.example",),
    }
    assert arrival.outside == ("eduPersonPrincipalName", "eduPersonScopedAffiliation")


def test_nothing_is_ever_canonicalised_to_nothing() -> None:
    with pytest.raises(SignInError):
        canonical(parse(f'<a:Assertion xmlns:a="{ASSERTION}" xmlns:void="1" void:x="1"/>'.encode()))
