"""Who comes back: the Response of an identity provider, read from the bytes that it signed.

SAML 2.0 core, and profiles section 4.1. The document that arrived serves to find what was signed; from there on only what
`signatures.verified` gave back is read.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from parvis.federation.attributes import arrived
from parvis.federation.failure import SignInError
from parvis.federation.saml.encryption import decrypted
from parvis.federation.saml.markup import (
    ASSERTION,
    ENCRYPTION,
    PROTOCOL,
    Element,
    children,
    has_words,
    only_child,
    parse,
    tag,
    text_of,
)
from parvis.federation.saml.metadata import Provider, instant
from parvis.federation.saml.signatures import is_signed, verified

LARGEST = 400_000  # characters of base64
LEEWAY = timedelta(seconds=60)  # by which two clocks may differ
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
# What an attribute chosen by who administers a directory may not be taken for.
_RESERVED = {"user", "sub"}
SCOPED = ("subject-id", "pairwise-id", "eduPersonPrincipalName", "eduPersonScopedAffiliation")


@dataclass(frozen=True, slots=True)
class Service:
    """This side: its name, where answers land, and the keys that open what is encrypted for it."""

    entity_id: str
    landing: str
    keys: tuple[RSAPrivateKey, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The NameID by which a session is ended on either side: its text and qualifiers, as they came."""

    text: str
    form: str = ""
    qualifier: str = ""
    service_qualifier: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """`request`: the ID of what it answers, which the caller compares with what the browser began. `outside`: attributes
    that had values outside the provider's scopes: these are not among the attributes."""

    request: str
    assertion: str
    attributes: dict[str, tuple[str, ...]]
    outside: tuple[str, ...]
    until: datetime
    session: str = ""
    name: Name | None = None


def read(encoded: str, provider: Provider, service: Service, *, now: datetime) -> Arrival:
    """Raises SignInError."""
    root = parse(decoded(encoded))
    if root.tag != tag(PROTOCOL, "Response"):
        raise SignInError("garbage", "Response")
    is_whole = is_signed(root)
    if is_whole:
        root = parse(verified(root, provider.keys))
    _check_response(root, provider, service)
    assertion = _assertion(root, provider, service, is_authentic=is_whole)
    return _arrival(assertion, root.get("InResponseTo", ""), provider, service, now=now)


def decoded(encoded: str) -> bytes:
    if len(encoded) > LARGEST:
        raise SignInError("too_large")
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SignInError("garbage", "base64") from None


def _check_response(root: Element, provider: Provider, service: Service) -> None:
    """Where only the assertion is signed these are the words of whoever wrote the envelope: they refuse, never admit."""
    if has_words(root) or root.get("Version") != "2.0" or root.get("Destination") != service.landing:
        raise SignInError("response", "Destination")
    if any(text_of(one) != provider.entity_id for one in children(root, ASSERTION, "Issuer")):
        raise SignInError("response", "Issuer")
    status = only_child(only_child(root, PROTOCOL, "Status"), PROTOCOL, "StatusCode")
    if status.get("Value") != SUCCESS:
        codes = [one.get("Value", "").rpartition(":")[2][:40] for one in status.iter(tag(PROTOCOL, "StatusCode"))]
        denied = {"AuthnFailed", "RequestDenied"} & set(codes)
        raise SignInError("denied" if denied else "provider_error", " ".join(codes))


def _assertion(root: Element, provider: Provider, service: Service, *, is_authentic: bool) -> Element:
    """The only one, verified: by its own signature if it has one, else by the response's."""
    plain, hidden = children(root, ASSERTION, "Assertion"), children(root, ASSERTION, "EncryptedAssertion")
    if len(plain) + len(hidden) != 1 or sum(1 for _ in root.iter(tag(ASSERTION, "Assertion"))) != len(plain):
        raise SignInError("garbage", "assertions")
    assertion = plain[0] if plain else decrypted(hidden[0], service.keys, is_authentic=is_authentic)
    if assertion.tag != tag(ASSERTION, "Assertion"):
        raise SignInError("garbage", "assertions")
    if is_signed(assertion):
        assertion = parse(verified(assertion, provider.keys))
    elif not is_authentic:
        raise SignInError("signature", "none")
    if any(one is not assertion for one in assertion.iter(tag(ASSERTION, "Assertion"))):
        raise SignInError("garbage", "assertions")
    return assertion


def _arrival(assertion: Element, request: str, provider: Provider, service: Service, *, now: datetime) -> Arrival:
    if assertion.get("Version") != "2.0" or not assertion.get("ID"):
        raise SignInError("response", "Version")
    if text_of(only_child(assertion, ASSERTION, "Issuer")) != provider.entity_id:
        raise SignInError("response", "Issuer")
    _check_conditions(only_child(assertion, ASSERTION, "Conditions"), service, now=now)
    subject = only_child(assertion, ASSERTION, "Subject")
    until = _check_bearer(subject, request, service, now=now)
    statements = children(assertion, ASSERTION, "AuthnStatement")
    if len(statements) != 1:
        raise SignInError("response", "AuthnStatement")
    ends = statements[0].get("SessionNotOnOrAfter")
    if ends is not None and instant(ends) <= now - LEEWAY:
        raise SignInError("response", "SessionNotOnOrAfter")
    attributes, outside = within_scopes(arrived(_attributes(assertion)), provider.scopes)
    return Arrival(
        request=request,
        assertion=assertion.get("ID", ""),
        attributes=attributes,
        outside=outside,
        until=until,
        session=statements[0].get("SessionIndex", "")[:500],
        name=name_of(subject, service, is_authentic=True),
    )


def _check_conditions(conditions: Element, service: Service, *, now: datetime) -> None:
    from_, until = conditions.get("NotBefore"), conditions.get("NotOnOrAfter")
    if (from_ is not None and instant(from_) > now + LEEWAY) or (until is not None and instant(until) <= now - LEEWAY):
        raise SignInError("response", "Conditions")
    restrictions = children(conditions, ASSERTION, "AudienceRestriction")
    if not restrictions:
        raise SignInError("response", "Audience")
    for restriction in restrictions:  # each of them must hold
        if service.entity_id not in [text_of(one) for one in children(restriction, ASSERTION, "Audience")]:
            raise SignInError("response", "Audience")
    known = {"AudienceRestriction", "OneTimeUse", "ProxyRestriction"}
    if any(str(child.tag) not in {tag(ASSERTION, name) for name in known} for child in conditions):
        raise SignInError("response", "Conditions")  # core, section 2.5.1: what is not understood is not fulfilled


def _check_bearer(subject: Element, request: str, service: Service, *, now: datetime) -> datetime:
    """Until when it may be presented. An answer to no request is never taken: it could be somebody else's."""
    for one in children(subject, ASSERTION, "SubjectConfirmation"):
        data = one.find(tag(ASSERTION, "SubjectConfirmationData"))
        if one.get("Method") != BEARER or data is None or data.get("NotBefore") is not None:
            continue
        until = instant(data.get("NotOnOrAfter", ""))
        is_ours = data.get("Recipient") == service.landing and request and data.get("InResponseTo") == request
        if is_ours and until > now - LEEWAY:
            return until
    raise SignInError("response", "SubjectConfirmation")


def name_of(holder: Element, service: Service, *, is_authentic: bool) -> Name | None:
    """None where there is none. `is_authentic`: what holds it is signed."""
    hidden = children(holder, ASSERTION, "EncryptedID")
    found = [
        decrypted(one, service.keys, is_authentic=is_authentic)
        for one in hidden[:1]
        if one.find(tag(ENCRYPTION, "EncryptedData")) is not None
    ]
    found += children(holder, ASSERTION, "NameID")
    if len(found) != 1 or found[0].tag != tag(ASSERTION, "NameID"):
        return None
    name = found[0]
    text = text_of(name)
    if not text or len(text) > 1_000:
        return None
    return Name(text, name.get("Format", ""), name.get("NameQualifier", ""), name.get("SPNameQualifier", ""))


def within_scopes(
    attributes: dict[str, tuple[str, ...]], scopes: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Without the values that speak for somebody else's domain; and the attributes that had some."""
    kept: dict[str, tuple[str, ...]] = {}
    outside: list[str] = []
    for name, values in attributes.items():
        own = tuple(value for value in values if name not in SCOPED or _scope_of(value) in scopes)
        if own:
            kept[name] = own
        if own != values:
            outside.append(name)
    return kept, tuple(outside)


def _scope_of(value: str) -> str | None:
    """After the only @: with two, who reads it from the other end would see another."""
    before, at, scope = value.partition("@")
    return scope.lower() if before and at and "@" not in scope else None


def _attributes(assertion: Element) -> Iterator[tuple[str, list[str]]]:
    for statement in children(assertion, ASSERTION, "AttributeStatement"):
        for attribute in children(statement, ASSERTION, "Attribute"):
            name = attribute.get("Name", "")
            if name.strip().lower() not in _RESERVED:
                values = children(attribute, ASSERTION, "AttributeValue")
                yield name, [value.text or "" for value in values if len(value) == 0]
