"""What is said to an identity provider through the browser, and what it says: the HTTP-Redirect binding, signed.

SAML 2.0 bindings, section 3.4: the signature covers the octets of the query as they travel, so that they are never decoded
and encoded again in between.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, unquote_plus
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from parvis.federation.failure import SignInError
from parvis.federation.saml.markup import ASSERTION, PROTOCOL, Element, children, only_child, parse, tag, text_of
from parvis.federation.saml.metadata import POST, Provider, instant
from parvis.federation.saml.responses import LARGEST, SUCCESS, Name, Service, decoded, name_of
from parvis.federation.saml.signatures import RSA_SHA256, check_bytes, is_signed, sign_bytes, verified

LONGEST_STATE = 80  # of RelayState: bindings, section 3.4.3
LARGEST_MESSAGE = 100_000
FRESH = timedelta(minutes=5)

Kind = Literal["SAMLRequest", "SAMLResponse"]


@dataclass(frozen=True, slots=True)
class Logout:
    """A provider's order to leave: every session of `name`, or only those of `sessions`."""

    identifier: str
    name: Name
    sessions: tuple[str, ...] = ()


def sign_in_address(
    provider: Provider, service: Service, key: RSAPrivateKey, *, request: str, state: str, now: datetime
) -> str:
    body = (
        f'<samlp:AuthnRequest xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" {_head(request, provider.sign_in, now)} '
        f'AssertionConsumerServiceURL={quoteattr(service.landing)} ProtocolBinding="{POST}">'
        f'<saml:Issuer>{escape(service.entity_id)}</saml:Issuer><samlp:NameIDPolicy AllowCreate="true"/></samlp:AuthnRequest>'
    )
    return _signed(provider.sign_in, "SAMLRequest", body, key, state=state)


def logout_address(
    provider: Provider, service: Service, key: RSAPrivateKey, *, request: str, name: Name, session: str, now: datetime
) -> str:
    attributes = "".join(
        f" {attribute}={quoteattr(value)}"
        for attribute, value in (
            ("Format", name.form),
            ("NameQualifier", name.qualifier),
            ("SPNameQualifier", name.service_qualifier),
        )
        if value
    )
    index = f"<samlp:SessionIndex>{escape(session)}</samlp:SessionIndex>" if session else ""
    body = (
        f'<samlp:LogoutRequest xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" {_head(request, provider.logout, now)} '
        f"NotOnOrAfter={quoteattr(_stamp(now + FRESH))}><saml:Issuer>{escape(service.entity_id)}</saml:Issuer>"
        f"<saml:NameID{attributes}>{escape(name.text)}</saml:NameID>{index}</samlp:LogoutRequest>"
    )
    return _signed(provider.logout, "SAMLRequest", body, key)


def logout_answer(
    provider: Provider, service: Service, key: RSAPrivateKey, *, identifier: str, to: str, state: str, now: datetime
) -> str:
    """Where the browser tells the provider that the sessions it named are ended."""
    body = (
        f'<samlp:LogoutResponse xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" '
        f"{_head(identifier, provider.logout_answer, now)} InResponseTo={quoteattr(to)}>"
        f"<saml:Issuer>{escape(service.entity_id)}</saml:Issuer>"
        f'<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status></samlp:LogoutResponse>'
    )
    return _signed(provider.logout_answer, "SAMLResponse", body, key, state=state)


def issuer_of(message: Element) -> str:
    """Who says to have written it, by which its keys are looked for: nothing is verified yet. Raises SignInError."""
    return text_of(only_child(message, ASSERTION, "Issuer"))


def unpacked(query: str, kind: Kind) -> Element:
    """The message of a query, unverified. Raises SignInError."""
    packed = _parameters(query).get(kind, "")
    if not packed or len(packed) > LARGEST:
        raise SignInError("garbage", kind)
    inflater = zlib.decompressobj(-15)
    try:
        body = inflater.decompress(decoded(unquote_plus(packed)), LARGEST_MESSAGE)
    except zlib.error:
        raise SignInError("garbage", "deflate") from None
    if not inflater.eof or inflater.unused_data:
        raise SignInError("too_large")
    return parse(body)


def from_redirect(query: str, kind: Kind, provider: Provider) -> Element:
    """The message of a query that the provider signed. `query`: as it travelled. Raises SignInError."""
    parts = _parameters(query)
    signed = "&".join(f"{name}={parts[name]}" for name in (kind, "RelayState", "SigAlg") if name in parts)
    signature = decoded(unquote_plus(parts.get("Signature", "")))
    check_bytes(signed.encode("ascii"), signature, unquote_plus(parts.get("SigAlg", "")), provider.keys)
    return unpacked(query, kind)


def from_post(encoded: str, provider: Provider) -> Element:
    """The same of a form: signed inside."""
    message = parse(decoded(encoded))
    if not is_signed(message):
        raise SignInError("signature", "none")
    return parse(verified(message, provider.keys))


def read_logout(message: Element, provider: Provider, service: Service, *, at: str, now: datetime) -> Logout:
    """`message` is verified; `at`: the address it came to. Raises SignInError."""
    _check(message, "LogoutRequest", provider, at=at, now=now)
    until = message.get("NotOnOrAfter")
    if until is not None and instant(until) <= now - FRESH:
        raise SignInError("response", "NotOnOrAfter")
    name = name_of(message, service, is_authentic=True)
    if name is None:
        raise SignInError("response", "NameID")
    sessions = tuple(text_of(one) for one in children(message, PROTOCOL, "SessionIndex"))
    return Logout(message.get("ID", ""), name, sessions)


def read_logout_answer(message: Element, provider: Provider, *, at: str, now: datetime) -> bool:
    """Whether the provider ended its session."""
    _check(message, "LogoutResponse", provider, at=at, now=now)
    return only_child(only_child(message, PROTOCOL, "Status"), PROTOCOL, "StatusCode").get("Value") == SUCCESS


def _check(message: Element, name: str, provider: Provider, *, at: str, now: datetime) -> None:
    if message.tag != tag(PROTOCOL, name) or message.get("Version") != "2.0" or not message.get("ID"):
        raise SignInError("garbage", name)
    if issuer_of(message) != provider.entity_id:
        raise SignInError("response", "Issuer")
    if message.get("Destination") != at:  # bindings, section 3.4.5.2: a signed message says for whom
        raise SignInError("response", "Destination")
    if abs(instant(message.get("IssueInstant", "")) - now) > FRESH:
        raise SignInError("response", "IssueInstant")


def _parameters(query: str) -> dict[str, str]:
    """As they travelled. A name given twice is refused: two readers would not read the same."""
    found: dict[str, str] = {}
    if not query.isascii() or len(query) > LARGEST:
        raise SignInError("too_large")
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in found:
            raise SignInError("garbage", "twice")
        found[name] = value
    if "SAMLRequest" in found and "SAMLResponse" in found:
        raise SignInError("garbage", "twice")
    return found


def state_of(query: str) -> str:
    return unquote_plus(_parameters(query).get("RelayState", ""))


def _signed(address: str, kind: Kind, body: str, key: RSAPrivateKey, *, state: str = "") -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = base64.b64encode(packer.compress(body.encode()) + packer.flush()).decode()
    query = f"{kind}={quote(packed, safe='')}"
    if state:
        query += f"&RelayState={quote(state, safe='')}"
    query += f"&SigAlg={quote(RSA_SHA256, safe='')}"
    signature = base64.b64encode(sign_bytes(query.encode(), key)).decode()
    return f"{address}{'&' if '?' in address else '?'}{query}&Signature={quote(signature, safe='')}"


def _head(identifier: str, destination: str, now: datetime) -> str:
    return f'ID={quoteattr(identifier)} Version="2.0" IssueInstant="{_stamp(now)}" Destination={quoteattr(destination)}'


def _stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")
