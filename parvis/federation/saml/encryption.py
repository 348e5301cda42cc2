"""What was encrypted for us: AES with a key that RSA-OAEP hides. XML Encryption 1.1, sections 5.2 and 5.5.

AES-CBC tells whoever may ask often enough what it holds, one byte at a time. It is opened only where the caller has already
verified who wrote the encrypted bytes themselves.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from parvis.federation.failure import SignInError
from parvis.federation.saml.markup import ENCRYPTION, ENCRYPTION11, SIGNATURE, Element, only_child, parse, tag, text_of

OAEP_MGF1P = f"{ENCRYPTION}rsa-oaep-mgf1p"
OAEP = f"{ENCRYPTION11}rsa-oaep"
GCM = {f"{ENCRYPTION11}aes{size}-gcm": size // 8 for size in (128, 192, 256)}
CBC = {f"{ENCRYPTION}aes{size}-cbc": size // 8 for size in (128, 192, 256)}
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    f"{SIGNATURE}sha1": hashes.SHA1(),  # noqa: S303 - OAEP asks nothing of its hash that SHA-1 lacks, and peers default to it
    f"{ENCRYPTION}sha256": hashes.SHA256(),
    f"{ENCRYPTION}sha512": hashes.SHA512(),
}
_MASKS: dict[str, hashes.HashAlgorithm] = {
    f"{ENCRYPTION11}mgf1sha1": hashes.SHA1(),  # noqa: S303
    f"{ENCRYPTION11}mgf1sha256": hashes.SHA256(),
    f"{ENCRYPTION11}mgf1sha512": hashes.SHA512(),
}
MOST_KEYS = 8  # copies of the key, for several readers


def decrypted(holder: Element, keys: Sequence[rsa.RSAPrivateKey], *, is_authentic: bool) -> Element:
    """The element that `holder` (EncryptedAssertion, EncryptedID) keeps for one of these keys. `is_authentic`: its encrypted
    bytes are known to come from who should have written them. Raises SignInError("encryption")."""
    data = only_child(holder, ENCRYPTION, "EncryptedData")
    algorithm = only_child(data, ENCRYPTION, "EncryptionMethod").get("Algorithm", "")
    if algorithm not in GCM and not (algorithm in CBC and is_authentic):
        raise SignInError("encryption", algorithm.rpartition("#")[2][:20])
    content = _value(data)
    hidden = list(holder.iter(tag(ENCRYPTION, "EncryptedKey")))[:MOST_KEYS]
    for one in hidden:
        for key in keys:
            secret = _secret(one, key)
            if secret is not None and len(secret) == {**GCM, **CBC}[algorithm]:
                return parse(_opened(secret, content, is_gcm=algorithm in GCM))
    raise SignInError("encryption", "key")


def _secret(hidden: Element, key: rsa.RSAPrivateKey) -> bytes | None:
    """None where it was hidden for somebody else."""
    method = only_child(hidden, ENCRYPTION, "EncryptionMethod")
    algorithm = method.get("Algorithm")
    digest = method.find(tag(SIGNATURE, "DigestMethod"))
    mask = method.find(tag(ENCRYPTION11, "MGF")) if algorithm == OAEP else None
    hash_ = _DIGESTS.get(digest.get("Algorithm", "")) if digest is not None else hashes.SHA1()  # noqa: S303
    masking = _MASKS.get(mask.get("Algorithm", "")) if mask is not None else hashes.SHA1()  # noqa: S303
    if algorithm not in {OAEP, OAEP_MGF1P} or hash_ is None or masking is None:
        return None
    try:
        return key.decrypt(_value(hidden), padding.OAEP(padding.MGF1(masking), hash_, label=None))
    except ValueError:
        return None


def _opened(secret: bytes, content: bytes, *, is_gcm: bool) -> bytes:
    try:
        if is_gcm:
            return AESGCM(secret).decrypt(content[:12], content[12:], None)
        cipher = Cipher(algorithms.AES(secret), modes.CBC(content[:16])).decryptor()
        padded = cipher.update(content[16:]) + cipher.finalize()
    except (InvalidTag, ValueError):
        raise SignInError("encryption", "content") from None
    if not padded or not 1 <= padded[-1] <= 16:
        raise SignInError("encryption", "content")
    return padded[: -padded[-1]]


def _value(holder: Element) -> bytes:
    text = text_of(only_child(only_child(holder, ENCRYPTION, "CipherData"), ENCRYPTION, "CipherValue"))
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SignInError("encryption", "form") from None
