"""Answers sealed until a common opening: who holds the database, the disk or the server's keys reads none before then.

What is stored is public keys, salts and sealed bytes. A keyholder's or a vendor's passphrase (scrypt) makes an X25519 key,
and everything is sealed to public keys by HPKE (RFC 9180: X25519, HKDF-SHA256, AES-256-GCM). The private key of a request is
split by Shamir's scheme among keyholders of different institutions, then forgotten: any `threshold` of them rebuild it,
fewer learn nothing about it.

Shamir rather than XOR pads for each subset: a dozen lines either way, but one number per holder however many they are.

What this cannot do: a server whose program was changed sees what passes through it (an answer while it is being sent, a
passphrase while it is typed). Publish `fingerprint` of the request's key with the request, so that a key put in its place is
seen; and take no contribution before the deadline.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

LEAST_PASSPHRASE = 16  # characters: a dump can be guessed at without haste
SMALLEST_BUCKET = 64 * 1024  # bytes


class SealingError(Exception):
    """Nothing was opened. `code` is stable; `params` is for the sentence."""

    code: str

    def __init__(self, **params: int) -> None:
        super().__init__(self.code)
        self.params = params


class WeakPassphraseError(SealingError):
    code = "passphrase_too_weak"


class WrongPassphraseError(SealingError):
    code = "wrong_passphrase"


class KeyholdersError(SealingError):
    """Fewer than two needed, more needed than there are, or one of them twice."""

    code = "keyholders_unfit"


class TooFewSharesError(SealingError):
    code = "too_few_shares"


class WrongSharesError(SealingError):
    """Enough shares, but not of this request's key."""

    code = "wrong_shares"


class NotARecipientError(SealingError):
    code = "not_a_recipient"


class AlteredError(SealingError):
    code = "sealed_altered"


class WrongContextError(SealingError):
    """Intact, but the answer of another vendor, request or revision."""

    code = "wrong_context"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of scrypt: `memory` is 1 KiB × this, `passes` multiplies the time. Kept with each key, so it can be raised later."""

    memory: int = 2**16
    passes: int = 2


STANDARD_COST = Cost()


@dataclass(frozen=True, slots=True)
class Holder:
    """All that is kept of a passphrase; nothing of it is secret."""

    public_key: bytes
    salt: bytes
    cost: Cost


@dataclass(frozen=True, slots=True)
class SealedShare:
    """Opens for one holder only. `number` is the holder's place, from 1, in the order given to `make_request_key`."""

    number: int
    threshold: int
    blob: bytes


@dataclass(frozen=True, slots=True)
class RequestKey:
    public_key: bytes
    sealed_shares: tuple[SealedShare, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """May be kept in the clear after the deadline until enough of them are there: fewer than `threshold` tell nothing."""

    number: int
    threshold: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Context:
    """Where a sealed answer belongs; it opens nowhere else."""

    request_id: str
    vendor_id: str
    revision: int


def suggest_passphrase() -> str:
    """Twenty characters that are hard to mistake for one another, about 99 bits."""
    letters = "23456789abcdefghjkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(5))


def enrol(passphrase: str, cost: Cost = STANDARD_COST) -> Holder:
    normal = _normal(passphrase)
    if len(normal) < LEAST_PASSPHRASE or len(set(normal)) < LEAST_PASSPHRASE // 2:
        raise WeakPassphraseError(least=LEAST_PASSPHRASE)
    salt = os.urandom(16)
    return Holder(_public(_derive(passphrase, salt, cost)), salt, cost)


def unlock(passphrase: str, holder: Holder) -> bytes:
    """The private key. To be used and dropped, never stored."""
    private_key = _derive(passphrase, holder.salt, holder.cost)
    if not secrets.compare_digest(_public(private_key), holder.public_key):
        raise WrongPassphraseError
    return private_key


def make_request_key(holders: Sequence[Holder], threshold: int) -> RequestKey:
    """A key pair whose private half exists nowhere once this returns, unless `threshold` of the holders rebuild it."""
    if not 2 <= threshold <= len(holders) or len({holder.public_key for holder in holders}) < len(holders):
        raise KeyholdersError(threshold=threshold, holders=len(holders))
    private_key = X25519PrivateKey.generate().private_bytes_raw()
    public_key = _public(private_key)
    shares = _split(private_key, len(holders), threshold)
    sealed = (_seal_share(share, holder.public_key, public_key) for share, holder in zip(shares, holders, strict=True))
    return RequestKey(public_key, tuple(sealed))


def contribute(passphrase: str, holder: Holder, sealed_share: SealedShare, request_public_key: bytes) -> Share:
    """What a holder adds to the opening of this request; it opens no other."""
    private_key = X25519PrivateKey.from_private_bytes(unlock(passphrase, holder))
    number, threshold = sealed_share.number, sealed_share.threshold
    try:
        value = _SUITE.decrypt(sealed_share.blob, private_key, _share_info(number, threshold, request_public_key))
    except (InvalidTag, ValueError) as error:
        raise AlteredError from error
    return Share(number, threshold, value)


def rebuild(shares: Sequence[Share], request_public_key: bytes) -> bytes:
    """The request's private key, which opens every answer to it."""
    by_number = {share.number: share for share in shares}
    needed = max((share.threshold for share in shares), default=2)
    if len(by_number) < needed:
        raise TooFewSharesError(given=len(by_number), needed=needed)
    private_key = _join(list(by_number.values())[:needed])
    if private_key is None or not secrets.compare_digest(_public(private_key), request_public_key):
        raise WrongSharesError
    return private_key


def seal(plaintext: bytes, context: Context, *, request_public_key: bytes, vendor_public_key: bytes) -> bytes:
    """Opens with the request's private key, and with the vendor's own so that it can amend its answer."""
    key, nonce = AESGCM.generate_key(256), os.urandom(_NONCE_BYTES)
    digest = _digest(context)
    slots = (_slot(key, public_key, digest) for public_key in (request_public_key, vendor_public_key))
    header = _VERSION + digest + b"".join(slots) + nonce
    return header + AESGCM(key).encrypt(nonce, _padded(plaintext), header)


def open_sealed(private_key: bytes, blob: bytes, context: Context) -> bytes:
    header, body = blob[:_HEADER_BYTES], blob[_HEADER_BYTES:]
    if len(blob) <= _HEADER_BYTES or not header.startswith(_VERSION):
        raise AlteredError
    digest = header[len(_VERSION) : len(_VERSION) + 32]
    slot = _slot_of(_public(private_key), header)
    try:
        key = _SUITE.decrypt(slot, X25519PrivateKey.from_private_bytes(private_key), _LABEL + b"answer" + digest)
        padded = AESGCM(key).decrypt(header[-_NONCE_BYTES:], body, header)
    except (InvalidTag, ValueError) as error:
        raise AlteredError from error
    if not secrets.compare_digest(digest, _digest(context)):
        raise WrongContextError
    return _unpadded(padded)


def fingerprint(*parts: bytes) -> str:
    """To be printed beside what it vouches for: a request's key, the bytes of an answer as received."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL = b"parvis.offers.sealing 1 "
_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_SLOT_BYTES = _KEY_BYTES + 32 + 32 + 16  # whose slot, then HPKE's: encapsulated key, the content key, its tag
_HEADER_BYTES = len(_VERSION) + 32 + 2 * _SLOT_BYTES + _NONCE_BYTES
_LENGTH_BYTES = 8
_PRIME = 2**521 - 1  # of Shamir's field: a Mersenne prime larger than any private key
_SHARE_BYTES = 66


def _normal(passphrase: str) -> str:
    # The same words typed on another system must give the same key: é may come as one character or two.
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())


def _derive(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    scrypt = Scrypt(salt=salt, length=_KEY_BYTES, n=cost.memory, r=8, p=cost.passes)
    return scrypt.derive(_normal(passphrase).encode())


def _public(private_key: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def _split(secret: bytes, holders: int, threshold: int) -> list[Share]:
    """Values, at 1, 2, 3 …, of a random polynomial of degree threshold - 1 whose value at 0 is the secret."""
    coefficients = [int.from_bytes(secret), *(secrets.randbelow(_PRIME) for _ in range(threshold - 1))]
    values = (sum(c * pow(x, power, _PRIME) for power, c in enumerate(coefficients)) for x in range(1, holders + 1))
    return [Share(x, threshold, (value % _PRIME).to_bytes(_SHARE_BYTES)) for x, value in enumerate(values, 1)]


def _join(shares: Sequence[Share]) -> bytes | None:
    """Lagrange's interpolation at 0; None where what comes out is no key."""
    total = 0
    for share in shares:
        others = [other.number for other in shares if other is not share]
        weight = math.prod(others) * pow(math.prod(other - share.number for other in others), -1, _PRIME)
        total += int.from_bytes(share.value) * weight
    secret = total % _PRIME
    return secret.to_bytes(_KEY_BYTES) if secret < 2 ** (8 * _KEY_BYTES) else None


def _seal_share(share: Share, holder_public_key: bytes, request_public_key: bytes) -> SealedShare:
    info = _share_info(share.number, share.threshold, request_public_key)
    blob = _SUITE.encrypt(share.value, X25519PublicKey.from_public_bytes(holder_public_key), info)
    return SealedShare(share.number, share.threshold, blob)


def _share_info(number: int, threshold: int, request_public_key: bytes) -> bytes:
    return _LABEL + f"share {number} {threshold} ".encode() + request_public_key


def _digest(context: Context) -> bytes:
    return hashlib.sha256(json.dumps([context.request_id, context.vendor_id, context.revision]).encode()).digest()


def _slot(key: bytes, public_key: bytes, digest: bytes) -> bytes:
    recipient = X25519PublicKey.from_public_bytes(public_key)
    return public_key + _SUITE.encrypt(key, recipient, _LABEL + b"answer" + digest)


def _slot_of(public_key: bytes, header: bytes) -> bytes:
    start = len(_VERSION) + 32
    for slot in (header[start : start + _SLOT_BYTES], header[start + _SLOT_BYTES : start + 2 * _SLOT_BYTES]):
        if slot.startswith(public_key):
            return slot[_KEY_BYTES:]
    raise NotARecipientError


def _padded(plaintext: bytes) -> bytes:
    """Of 64 KiB, or twice, four times … that: the length of an answer tells little of what it says."""
    size, needed = SMALLEST_BUCKET, _LENGTH_BYTES + len(plaintext)
    while size < needed:
        size *= 2
    return (len(plaintext).to_bytes(_LENGTH_BYTES) + plaintext).ljust(size, b"\0")


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:_LENGTH_BYTES])
    return padded[_LENGTH_BYTES : _LENGTH_BYTES + length]
