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
from collections.abc import Iterable, Mapping, Sequence
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
    """Of scrypt: 2 ** `memory` KiB, `passes` times. Kept with each salt, so that it can be raised later."""

    memory: int = 16
    passes: int = 2


STANDARD_COST = Cost()


@dataclass(frozen=True, slots=True)
class Holder:
    """All that is kept of a passphrase, a keyholder's or a vendor's; nothing of it is secret."""

    public_key: bytes
    salt: bytes


@dataclass(frozen=True, slots=True)
class RequestKey:
    """One sealed share for each holder, in the order given; each opens for its holder only."""

    public_key: bytes
    sealed_shares: tuple[bytes, ...]


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
    salt = bytes([cost.memory, cost.passes]) + os.urandom(_SALT_BYTES)
    return Holder(_public(_derive(passphrase, salt)), salt)


def unlock(passphrase: str, holder: Holder) -> bytes:
    """The private key. To be used and dropped, never stored."""
    private_key = _derive(passphrase, holder.salt)
    if not secrets.compare_digest(_public(private_key), holder.public_key):
        raise WrongPassphraseError
    return private_key


def make_request_key(holders: Sequence[Holder], threshold: int) -> RequestKey:
    """A key pair whose private half exists nowhere once this returns, unless `threshold` of the holders rebuild it."""
    if not 2 <= threshold <= len(holders) <= 255 or len({holder.public_key for holder in holders}) < len(holders):
        raise KeyholdersError(threshold=threshold, holders=len(holders))
    private_key = X25519PrivateKey.generate().private_bytes_raw()
    public_key = _public(private_key)
    values = enumerate(_split(private_key, len(holders), threshold))
    sealed = (_sealed_share(bytes([place + 1, threshold]), value, holders[place], public_key) for place, value in values)
    return RequestKey(public_key, tuple(sealed))


def contribute(passphrase: str, holder: Holder, sealed_share: bytes, request_public_key: bytes) -> bytes:
    """The holder's share of this request; it opens no other. To be taken after the deadline only: from then on it may be
    kept in the clear until enough of them are there, since fewer tell nothing."""
    private_key = X25519PrivateKey.from_private_bytes(unlock(passphrase, holder))
    place, sealed = sealed_share[:2], sealed_share[2:]
    try:
        return place + _SUITE.decrypt(sealed, private_key, _share_info(place, request_public_key))
    except (InvalidTag, ValueError) as error:
        raise AlteredError from error


def rebuild(shares: Iterable[bytes], request_public_key: bytes) -> bytes:
    """The request's private key, which opens every answer to it."""
    by_number = {share[0]: share for share in shares if len(share) == 2 + _SHARE_BYTES and share[0]}
    needed = max((share[1] for share in by_number.values()), default=2)
    if len(by_number) < needed:
        raise TooFewSharesError(given=len(by_number), needed=needed)
    values = {number: int.from_bytes(share[2:]) for number, share in list(by_number.items())[:needed]}
    private_key = _join(values)
    if private_key is None or not secrets.compare_digest(_public(private_key), request_public_key):
        raise WrongSharesError
    return private_key


def seal(plaintext: bytes, context: Context, recipients: Sequence[bytes]) -> bytes:
    """For each of the public keys: a vendor's own for a draft; the request's and the vendor's own for an answer, which its
    vendor can thus reopen and amend."""
    key, nonce = AESGCM.generate_key(256), os.urandom(_NONCE_BYTES)
    digest = _digest(context)
    slots = (_slot(key, public_key, digest) for public_key in recipients)
    header = _VERSION + bytes([len(recipients)]) + digest + b"".join(slots) + nonce
    return header + AESGCM(key).encrypt(nonce, _padded(plaintext), header)


def open_sealed(private_key: bytes, blob: bytes, context: Context) -> bytes:
    digest, slots, header, body = _parts(blob)
    public_key = _public(private_key)
    if public_key not in slots:
        raise NotARecipientError
    try:
        key = _SUITE.decrypt(slots[public_key], X25519PrivateKey.from_private_bytes(private_key), _answer_info(digest))
        padded = AESGCM(key).decrypt(header[-_NONCE_BYTES:], body, header)
    except (InvalidTag, ValueError) as error:
        raise AlteredError from error
    if not secrets.compare_digest(digest, _digest(context)):
        raise WrongContextError
    return _unpadded(padded)


def reopen(passphrase: str, salt: bytes, blob: bytes, context: Context) -> bytes:
    """A vendor's own answer or draft."""
    try:
        return open_sealed(_derive(passphrase, salt), blob, context)
    except NotARecipientError as error:
        raise WrongPassphraseError from error


def recipients(blob: bytes) -> list[bytes]:
    """The public keys it was sealed to, so that a draft can be saved again without its passphrase."""
    return list(_parts(blob)[1])


def fingerprint(*parts: bytes) -> str:
    """To be printed beside what it vouches for: a request's key, the bytes of an answer as received."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL = b"parvis.offers.sealing 1 "
_VERSION = b"\x01"
_SALT_BYTES = 16
_NONCE_BYTES = 12
_KEY_BYTES = 32
_DIGEST_BYTES = 32
_SLOT_BYTES = _KEY_BYTES + 32 + 32 + 16  # whose slot, then HPKE's: encapsulated key, the content key, its tag
_LENGTH_BYTES = 8
_PRIME = 2**521 - 1  # of Shamir's field: a Mersenne prime larger than any private key
_SHARE_BYTES = 66
_MOST_COST = Cost(memory=20, passes=16)  # an altered salt must not take the machine down


def _normal(passphrase: str) -> str:
    # The same words typed on another system must give the same key: é may come as one character or two.
    return " ".join(unicodedata.normalize("NFKC", passphrase).split())


def _derive(passphrase: str, salt: bytes) -> bytes:
    if len(salt) != 2 + _SALT_BYTES or not 1 <= salt[0] <= _MOST_COST.memory or not 1 <= salt[1] <= _MOST_COST.passes:
        raise AlteredError
    scrypt = Scrypt(salt=salt, length=_KEY_BYTES, n=2 ** salt[0], r=8, p=salt[1])
    return scrypt.derive(_normal(passphrase).encode())


def _public(private_key: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def _split(secret: bytes, holders: int, threshold: int) -> list[int]:
    """Values, at 1, 2, 3 …, of a random polynomial of degree threshold - 1 whose value at 0 is the secret."""
    coefficients = [int.from_bytes(secret), *(secrets.randbelow(_PRIME) for _ in range(threshold - 1))]
    return [sum(c * x**power for power, c in enumerate(coefficients)) % _PRIME for x in range(1, holders + 1)]


def _join(values: Mapping[int, int]) -> bytes | None:
    """Lagrange's interpolation at 0; None where what comes out is no key."""
    total = 0
    for number, value in values.items():
        others = [other for other in values if other != number]
        total += value * math.prod(others) * pow(math.prod(other - number for other in others), -1, _PRIME)
    secret = total % _PRIME
    return secret.to_bytes(_KEY_BYTES) if secret < 2 ** (8 * _KEY_BYTES) else None


def _sealed_share(place: bytes, value: int, holder: Holder, request_public_key: bytes) -> bytes:
    recipient = X25519PublicKey.from_public_bytes(holder.public_key)
    return place + _SUITE.encrypt(value.to_bytes(_SHARE_BYTES), recipient, _share_info(place, request_public_key))


def _share_info(place: bytes, request_public_key: bytes) -> bytes:
    return _LABEL + b"share" + place + request_public_key


def _answer_info(digest: bytes) -> bytes:
    return _LABEL + b"answer" + digest


def _digest(context: Context) -> bytes:
    return hashlib.sha256(json.dumps([context.request_id, context.vendor_id, context.revision]).encode()).digest()


def _slot(key: bytes, public_key: bytes, digest: bytes) -> bytes:
    return public_key + _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public_key), _answer_info(digest))


def _parts(blob: bytes) -> tuple[bytes, dict[bytes, bytes], bytes, bytes]:
    """Digest of the context, slot of each recipient, then the header that holds them both, and what it is the header of."""
    start = len(_VERSION) + 1 + _DIGEST_BYTES
    count = blob[1] if len(blob) > start and blob.startswith(_VERSION) else 0
    end = start + count * _SLOT_BYTES
    if not count or len(blob) <= end + _NONCE_BYTES:
        raise AlteredError
    slots = (blob[place : place + _SLOT_BYTES] for place in range(start, end, _SLOT_BYTES))
    by_recipient = {slot[:_KEY_BYTES]: slot[_KEY_BYTES:] for slot in slots}
    return blob[start - _DIGEST_BYTES : start], by_recipient, blob[: end + _NONCE_BYTES], blob[end + _NONCE_BYTES :]


def _padded(plaintext: bytes) -> bytes:
    """Of 64 KiB, or twice, four times … that: the length of an answer tells little of what it says."""
    size, needed = SMALLEST_BUCKET, _LENGTH_BYTES + len(plaintext)
    while size < needed:
        size *= 2
    return (len(plaintext).to_bytes(_LENGTH_BYTES) + plaintext).ljust(size, b"\0")


def _unpadded(padded: bytes) -> bytes:
    length = int.from_bytes(padded[:_LENGTH_BYTES])
    return padded[_LENGTH_BYTES : _LENGTH_BYTES + length]
