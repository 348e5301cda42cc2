"""What an identity provider makes, made here: keys, metadata, a whole federation, signed and encrypted responses."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from parvis.federation.saml.encryption import CBC, GCM, OAEP_MGF1P
from parvis.federation.saml.markup import ASSERTION, ENCRYPTION, METADATA, PROTOCOL, SIGNATURE, parse
from parvis.federation.saml.signatures import sign

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ENTITY_ID = "https://idp.ici.example/saml"
_SCHEMA = "http://www.w3.org/2001/XMLSchema"
SERVICE = "https://parvis.example/connexion/saml/metadata/"
LANDING = "https://parvis.example/connexion/saml/retour/"
REQUEST = "_request"
EPPN = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
AFFILIATION = "urn:oid:1.3.6.1.4.1.5923.1.1.1.1"
SCOPED_AFFILIATION = "urn:oid:1.3.6.1.4.1.5923.1.1.1.9"
PERSON = {EPPN: ["Lea@Ici.example"], AFFILIATION: ["faculty", "member"], "urn:oid:2.16.840.1.113730.3.1.241": ["Léa Martin"]}


@dataclass(frozen=True)
class Pair:
    """A key and a certificate of it that expired long ago: nobody may care."""

    private: rsa.RSAPrivateKey
    certificate: str  # base64

    @property
    def public(self) -> rsa.RSAPublicKey:
        return self.private.public_key()

    @property
    def pem(self) -> str:
        lines = "\n".join(self.certificate[i : i + 64] for i in range(0, len(self.certificate), 64))
        return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


@cache
def pair(name: str = "idp", size: int = 2_048) -> Pair:
    private = rsa.generate_private_key(65_537, size)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject, subject, private.public_key(), 1, datetime(2016, 7, 29, tzinfo=UTC), datetime(2026, 6, 7, tzinfo=UTC)
    )
    made = builder.sign(private, hashes.SHA256())
    return Pair(private, base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode())


def descriptor(
    entity_id: str = ENTITY_ID,
    *,
    certificate: str | None = None,
    scope: str = "ici.example",
    name: str = "Université d’ici",
    attributes: str = "",
    inside: str = "",
) -> str:
    certificate = pair().certificate if certificate is None else certificate
    scope = (
        '<md:Extensions><shibmd:Scope xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" regexp="false">'
        f"{scope}</shibmd:Scope>{inside}</md:Extensions>"
    )
    return (
        f'<md:EntityDescriptor xmlns:md="{METADATA}" entityID="{entity_id}"{attributes}>'
        f'<md:IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}">{scope}'
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data><ds:X509Certificate>'
        f"\n{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f'<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{entity_id}/slo"/>'
        f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{entity_id}/sso"/>'
        "</md:IDPSSODescriptor>"
        f'<md:Organization><md:OrganizationDisplayName xml:lang="fr">{name}</md:OrganizationDisplayName></md:Organization>'
        "</md:EntityDescriptor>"
    )


def aggregate(
    entities: Sequence[str], key: Pair | None = None, *, until: str = "2099-01-01T00:00:00Z", identifier: str = "_federation"
) -> bytes:
    key = key or pair("federation")
    body = "\n".join(entities)
    document = (
        f'<md:EntitiesDescriptor xmlns:md="{METADATA}" xmlns:unused="urn:unused" ID="{identifier}" Name="fer" '
        f'validUntil="{until}">\n{body}\n</md:EntitiesDescriptor>'
    )
    root = parse(document.encode())
    return sign(root, key.private, key.certificate)


def assertion(values: Mapping[str, Sequence[str]] = PERSON, /, **changed: str) -> str:
    """Unsigned. `changed`: what is not as it should be."""
    at = {
        "identifier": "_assertion",
        "issuer": ENTITY_ID,
        "audience": SERVICE,
        "recipient": LANDING,
        "request": REQUEST,
        "from": stamp(NOW - timedelta(seconds=5)),
        "until": stamp(NOW + timedelta(minutes=5)),
        "name_id": "_transient",
        "index": "_session",
        "name_space": ASSERTION,
    } | changed
    attributes = "".join(
        f'<saml:Attribute Name="{name}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri">'
        + "".join(
            f'<saml:AttributeValue xmlns:xs="{_SCHEMA}" xmlns:xsi="{_SCHEMA}-instance" xsi:type="xs:string">{text}'
            "</saml:AttributeValue>"
            for text in texts
        )
        + "</saml:Attribute>"
        for name, texts in values.items()
    )
    return (
        f'<saml:Assertion xmlns:saml="{at["name_space"]}" ID="{at["identifier"]}" Version="2.0" IssueInstant="{at["from"]}">'
        f"<saml:Issuer>{at['issuer']}</saml:Issuer><saml:Subject>"
        f'<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">{at["name_id"]}</saml:NameID>'
        '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
        f'<saml:SubjectConfirmationData NotOnOrAfter="{at["until"]}" Recipient="{at["recipient"]}" '
        f'InResponseTo="{at["request"]}"/></saml:SubjectConfirmation></saml:Subject>'
        f'<saml:Conditions NotBefore="{at["from"]}" NotOnOrAfter="{at["until"]}">'
        f"<saml:AudienceRestriction><saml:Audience>{at['audience']}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{at["from"]}" SessionIndex="{at["index"]}"><saml:AuthnContext>'
        "<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>"
        f"</saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
    )


def response(inside: str, **changed: str) -> str:
    at = {
        "identifier": "_response",
        "issuer": ENTITY_ID,
        "destination": LANDING,
        "request": REQUEST,
        "from": stamp(NOW - timedelta(seconds=5)),
        "status": "urn:oasis:names:tc:SAML:2.0:status:Success",
    } | changed
    return (
        f'<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="{at["identifier"]}" Version="2.0" '
        f'IssueInstant="{at["from"]}" Destination="{at["destination"]}" InResponseTo="{at["request"]}">'
        f'<saml:Issuer>{at["issuer"]}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{at["status"]}"/></samlp:Status>'
        f"{inside}</samlp:Response>"
    )


def signed(document: str, key: Pair | None = None) -> str:
    key = key or pair()
    return sign(parse(document.encode()), key.private, key.certificate, at=1).decode().partition("?>")[2].strip()


def encrypted(
    inside: str,
    reader: rsa.RSAPublicKey,
    *,
    algorithm: str = f"{ENCRYPTION.replace('2001/04', '2009').replace('xmlenc', 'xmlenc11')}aes256-gcm",
    holder: str = "EncryptedAssertion",
) -> str:
    secret = os.urandom({**GCM, **CBC}[algorithm])
    if algorithm in GCM:
        vector = os.urandom(12)
        content = vector + AESGCM(secret).encrypt(vector, inside.encode(), None)
    else:
        vector, padder = os.urandom(16), padding.PKCS7(128).padder()
        cipher = Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
        content = vector + cipher.update(padder.update(inside.encode()) + padder.finalize()) + cipher.finalize()
    hidden = reader.encrypt(secret, rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA1()), hashes.SHA1(), None))
    value = "<xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>"
    return (
        f'<saml:{holder} xmlns:saml="{ASSERTION}"><xenc:EncryptedData xmlns:xenc="{ENCRYPTION}" Type="{ENCRYPTION}Element">'
        f'<xenc:EncryptionMethod Algorithm="{algorithm}"/><ds:KeyInfo xmlns:ds="{SIGNATURE}"><xenc:EncryptedKey>'
        f'<xenc:EncryptionMethod Algorithm="{OAEP_MGF1P}"/>{value.format(base64.b64encode(hidden).decode())}'
        f"</xenc:EncryptedKey></ds:KeyInfo>{value.format(base64.b64encode(content).decode())}</xenc:EncryptedData></saml:{holder}>"
    )


def stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_federation(file: BinaryIO, count: int, key: Pair | None = None) -> None:
    """As large as the real ones: some 4.6 kB for each provider."""
    key = key or pair("federation")
    filling = "".join(
        f'<mdui:Description xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" xml:lang="l{n}">'
        f"{'Des mots qui décrivent. ' * 10}</mdui:Description>"
        for n in range(7)
    )
    file.write(
        aggregate(
            [
                descriptor(f"https://idp{n}.example/saml", scope=f"univ{n}.example", name=f"Université {n}", inside=filling)
                for n in range(count)
            ],
            key,
        )
    )
