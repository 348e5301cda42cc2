"""Sealing one secret for one place, under one of the installation's keys: the arithmetic alone, for both planes.

A place is "institution|table|row|version"; what was sealed for it opens nowhere else.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_FORMAT = "2"
_NONCE_BYTES = 12


class SecretUnreadableError(Exception):
    """The sealed text was altered, belongs to another place, or was sealed under a key that this installation has no more."""

    code = "secret_unreadable"


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The first key seals, the others still open what was sealed before them, until a rotation ends."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        return self.keys[0]

    def named(self, name: str) -> Key | None:
        return next((key for key in self.keys if key.name == name), None)


def parse(text: str) -> Keyring:
    """Lines of "name key". Raises ValueError."""
    keys = []
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        try:
            key = Key(name, base64.b64decode(value, validate=True))
        except binascii.Error as error:
            raise ValueError("not a key") from error
        if not name or len(key.value) != KEY_BYTES:
            raise ValueError("not a key")
        keys.append(key)
    if not keys:
        raise ValueError("no key")
    return Keyring(tuple(keys))


def seal(secret: str, *, place: str, key: Key) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_derived(key)).encrypt(nonce, secret.encode(), _bound(place, key))
    return f"{_FORMAT}:{key.name}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, place: str, ring: Keyring) -> str:
    """Raises SecretUnreadableError."""
    version, _, rest = sealed.partition(":")
    name, _, body = rest.partition(":")
    key = ring.named(name)
    if version != _FORMAT or key is None:
        raise SecretUnreadableError
    try:
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(_derived(key)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(place, key)).decode()
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadableError from error


def is_sealed_under(sealed: str, key: Key) -> bool:
    return sealed.startswith(f"{_FORMAT}:{key.name}:")


def _derived(key: Key) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"parvis.access.secrets").derive(key.value)


def _bound(place: str, key: Key) -> bytes:
    return f"{place}|{_FORMAT}|{key.name}".encode()
