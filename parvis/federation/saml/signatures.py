"""Signatures of XML: those of the profile that SAML allows, and nothing more of what XML Signature could mean.

A signature here covers one whole element, the parent of the signature, named by its ID; enveloped, exclusive canonical XML,
SHA-2. What is verified is given back as bytes, in canonical form: callers read these and forget the document they came in, so
that nothing moved, wrapped or added around them can be taken for signed. Keys are those of the metadata: what a document says
of its own key is never looked at, and certificates are envelopes of keys, whose dates mean nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from parvis.federation.failure import SignInError
from parvis.federation.saml.markup import (
    EXCLUSIVE,
    SIGNATURE,
    Element,
    alone,
    canonical,
    children,
    has_words,
    identifier_of,
    only_child,
    parse,
    tag,
    text_of,
)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

ENVELOPED = f"{SIGNATURE}enveloped-signature"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_DIGESTS = {
    SHA256: "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
_METHODS = {
    f"http://www.w3.org/2001/04/xmldsig-more#{kind}-{name}": (kind, name)
    for kind in ("rsa", "ecdsa")
    for name in _HASHES.copy()
}
SMALLEST_RSA = 2_048
SMALLEST_CURVE = 256


def verified(element: Element, keys: Sequence[PublicKey]) -> bytes:
    """The canonical form of what one of these keys signed: the element without its signature. Raises SignInError."""
    identifier = identifier_of(element)
    standing = alone(element)
    signature = only_child(standing, SIGNATURE, "Signature")
    digest, prefixes, name = check_signature(signature, identifier, keys)
    remove(signature)
    made = canonical(standing, prefixes)
    if not hmac.compare_digest(hashlib.new(name, made).digest(), digest):
        raise SignInError("signature", "digest")
    return made


def is_signed(element: Element) -> bool:
    return bool(children(element, SIGNATURE, "Signature"))


def check_signature(signature: Element, identifier: str, keys: Sequence[PublicKey]) -> tuple[bytes, list[str], str]:
    """The digest that one of these keys signed for the element of this ID, the prefixes by which it is canonicalised, and
    the name of the hash."""
    if has_words(signature) or not {child.tag for child in signature} <= {
        tag(SIGNATURE, one) for one in ("SignedInfo", "SignatureValue", "KeyInfo")
    }:
        raise SignInError("signature", "form")
    info = only_child(signature, SIGNATURE, "SignedInfo")
    method = only_child(info, SIGNATURE, "CanonicalizationMethod")
    if method.get("Algorithm") != EXCLUSIVE:
        raise SignInError("signature", "canonicalisation")
    # What is checked below is read from the bytes that were signed, not from the document.
    signed = canonical(alone(info), _prefixes(method))
    info = parse(signed)
    algorithm = only_child(info, SIGNATURE, "SignatureMethod").get("Algorithm", "")
    check_bytes(signed, _bytes(only_child(signature, SIGNATURE, "SignatureValue")), algorithm, keys)
    reference = only_child(info, SIGNATURE, "Reference")
    if reference.get("URI") != f"#{identifier}":
        raise SignInError("signature", "reference")
    transforms = list(only_child(reference, SIGNATURE, "Transforms"))
    if [one.get("Algorithm") for one in transforms] != [ENVELOPED, EXCLUSIVE] or len(transforms[0]):
        raise SignInError("signature", "transforms")
    digest = _DIGESTS.get(only_child(reference, SIGNATURE, "DigestMethod").get("Algorithm", ""))
    if digest is None:
        raise SignInError("signature", "digest method")
    return _bytes(only_child(reference, SIGNATURE, "DigestValue")), _prefixes(transforms[1]), digest


def check_bytes(signed: bytes, value: bytes, algorithm: str, keys: Sequence[PublicKey]) -> None:
    """Raises SignInError unless one of these keys made this signature of these bytes."""
    kind, name = _METHODS.get(algorithm, ("", ""))
    if not kind:
        raise SignInError("signature", "algorithm")
    for key in keys:
        try:
            if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
                return key.verify(value, signed, padding.PKCS1v15(), _HASHES[name])
            if kind == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey) and len(value) % 2 == 0:
                half = len(value) // 2
                pair = encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
                return key.verify(pair, signed, ec.ECDSA(_HASHES[name]))
        except InvalidSignature:
            continue
    raise SignInError("signature", "key")


def sign(element: Element, key: rsa.RSAPrivateKey, certificate: str, *, at: int = 0) -> bytes:
    """The document of this root with its signature, which becomes the child number `at`. `certificate`: its base64."""
    identifier = identifier_of(element)
    digest = base64.b64encode(hashlib.sha256(canonical(alone(element))).digest()).decode()
    signature = etree.fromstring(
        f'<ds:Signature xmlns:ds="{SIGNATURE}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"/><ds:Reference URI="#{identifier}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{SHA256}"/><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>'
        "<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
    info, value, _info = signature
    value.text = base64.b64encode(sign_bytes(canonical(alone(info)), key)).decode()
    only_child(signature[2][0], SIGNATURE, "X509Certificate").text = certificate
    element.insert(at, signature)
    return etree.tostring(element, xml_declaration=True, encoding="UTF-8")


def sign_bytes(content: bytes, key: rsa.RSAPrivateKey) -> bytes:
    return key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def remove(signature: Element) -> None:
    """Out of its document, where the text that followed it stays."""
    parent, before, tail = signature.getparent(), signature.getprevious(), signature.tail or ""
    if parent is None:
        raise SignInError("signature", "form")
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    signature.tail = None
    parent.remove(signature)


def key_of_certificate(text: str) -> PublicKey:
    """Of the base64 that metadata hold. Raises SignInError("keys")."""
    try:
        return strong(x509.load_der_x509_certificate(base64.b64decode("".join(text.split()), validate=True)).public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SignInError("keys") from None


def key_of_pem(text: str) -> PublicKey:
    """Of a public key or a certificate as administrators paste them. Raises SignInError("keys")."""
    try:
        if "CERTIFICATE" in text:
            return strong(x509.load_pem_x509_certificate(text.strip().encode()).public_key())
        return strong(serialization.load_pem_public_key(text.strip().encode()))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SignInError("keys") from None


def strong(key: object) -> PublicKey:
    """Raises SignInError("keys") for a kind or a size that proves nothing."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= SMALLEST_CURVE:
        return key
    raise SignInError("keys")


def pem(key: PublicKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def fingerprint(key: PublicKey) -> str:
    """SHA-256 of the key itself, which a renewed certificate does not change."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    digest = hashlib.sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest().upper()
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def _prefixes(method: Element) -> list[str]:
    if len(method) == 0:
        return []
    return only_child(method, EXCLUSIVE, "InclusiveNamespaces").get("PrefixList", "").split()


def _bytes(element: Element) -> bytes:
    try:
        return base64.b64decode("".join(text_of(element).split()), validate=True)
    except (binascii.Error, ValueError):
        raise SignInError("signature", "form") from None
