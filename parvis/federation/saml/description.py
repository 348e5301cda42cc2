"""Our own metadata, for federations and for those who run an identity provider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from parvis.federation.attributes import BY_NAME
from parvis.federation.saml.encryption import GCM, OAEP, OAEP_MGF1P
from parvis.federation.saml.markup import ASSERTION, ATTRIBUTE, INTERFACE, METADATA, PROTOCOL, SIGNATURE, parse
from parvis.federation.saml.metadata import POST, REDIRECT
from parvis.federation.saml.signatures import SHA256, sign

_REQUIREMENT = "urn:oasis:names:tc:SAML:profiles:subject-id:req"
_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"


@dataclass(frozen=True, slots=True)
class Description:
    """`certificates`: base64, those of the coming and the going keys too. `attributes`: the names needed here; `keys`: those
    among them by which people are recognised."""

    entity_id: str
    landing: str
    logout: str
    name: str
    address: str
    certificates: Sequence[str]
    attributes: Iterable[str] = ()
    keys: Iterable[str] = ()
    logo: str = ""


def write(description: Description, key: RSAPrivateKey, certificate: str, *, until: datetime) -> bytes:
    """Signed with `key`."""
    root = parse(_text(description, until).encode())
    return sign(root, key, certificate)


def _text(one: Description, until: datetime) -> str:
    return (
        f'<md:EntityDescriptor xmlns:md="{METADATA}" ID="_parvis" entityID={quoteattr(one.entity_id)} '
        f'validUntil="{until:%Y-%m-%dT%H:%M:%SZ}">{_requirement(one)}'
        f'<md:SPSSODescriptor protocolSupportEnumeration="{PROTOCOL}" AuthnRequestsSigned="true" WantAssertionsSigned="true">'
        f'<md:Extensions><mdui:UIInfo xmlns:mdui="{INTERFACE}">{_interface(one)}</mdui:UIInfo></md:Extensions>'
        f"{''.join(_key(certificate) for certificate in one.certificates)}"
        f'<md:SingleLogoutService Binding="{REDIRECT}" Location={quoteattr(one.logout)}/>'
        f'<md:SingleLogoutService Binding="{POST}" Location={quoteattr(one.logout)}/>'
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>"
        f'<md:AssertionConsumerService Binding="{POST}" Location={quoteattr(one.landing)} index="0" isDefault="true"/>'
        f"{_requested(one)}</md:SPSSODescriptor></md:EntityDescriptor>"
    )


def _interface(one: Description) -> str:
    words = {
        "fr": "Le parvis partagé de l’IA universitaire : des assistants qui répondent d’après les documents des cours.",
        "en": "The shared AI platform of universities: assistants that answer from course documents.",
    }
    names = "".join(f'<mdui:DisplayName xml:lang="{language}">{escape(one.name)}</mdui:DisplayName>' for language in words)
    texts = "".join(f'<mdui:Description xml:lang="{language}">{text}</mdui:Description>' for language, text in words.items())
    links = "".join(
        f'<mdui:InformationURL xml:lang="{language}">{escape(one.address)}</mdui:InformationURL>' for language in words
    )
    logo = f'<mdui:Logo width="180" height="180">{escape(one.logo)}</mdui:Logo>' if one.logo else ""
    return names + texts + links + logo


def _requirement(one: Description) -> str:
    """Which subject identifier to send: SAML V2.0 Subject Identifier Attributes Profile 1.0, section 4."""
    wanted = sorted({"subject-id", "pairwise-id"} & set(one.keys))
    value = "any" if len(wanted) == 2 else wanted[0] if wanted else "none"
    return (
        f'<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="{ATTRIBUTE}"><saml:Attribute xmlns:saml="{ASSERTION}" '
        f'Name="{_REQUIREMENT}" NameFormat="{_URI}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>'
        "</mdattr:EntityAttributes></md:Extensions>"
    )


def _key(certificate: str) -> str:
    info = (
        f'<ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>'
        "</ds:X509Data></ds:KeyInfo>"
    )
    ciphers = "".join(f'<md:EncryptionMethod Algorithm="{name}"/>' for name in reversed(GCM))
    transport = (
        f'<md:EncryptionMethod Algorithm="{OAEP}"><ds:DigestMethod xmlns:ds="{SIGNATURE}" Algorithm="{SHA256}"/>'
        "</md:EncryptionMethod>"
        f'<md:EncryptionMethod Algorithm="{OAEP_MGF1P}"/>'
    )
    return (
        f'<md:KeyDescriptor use="signing">{info}</md:KeyDescriptor>'
        f'<md:KeyDescriptor use="encryption">{info}{ciphers}{transport}</md:KeyDescriptor>'
    )


def _requested(one: Description) -> str:
    """Only what a rule of some source reads. Whoever names nothing is asked for nothing."""
    rows = ""
    for name in sorted(set(one.attributes)):
        known = BY_NAME.get(name)
        if known is None or not known.oid or known.is_personal:
            continue
        wire = known.oid if known.oid.startswith("urn:") else f"urn:oid:{known.oid}"
        needed = str(name in set(one.keys) and len(set(one.keys)) == 1).lower()
        rows += f'<md:RequestedAttribute Name="{wire}" NameFormat="{_URI}" FriendlyName="{name}" isRequired="{needed}"/>'
    if not rows:
        return ""
    service = f'<md:ServiceName xml:lang="fr">{escape(one.name)}</md:ServiceName>'
    return f'<md:AttributeConsumingService index="0" isDefault="true">{service}{rows}</md:AttributeConsumingService>'
