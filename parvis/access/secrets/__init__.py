"""Secrets at rest: encrypted and bound to the place they belong to, so that one moved elsewhere no longer opens.

A place is "institution|table|row|version" (see `models.HoldsSecret`); its key is in a file of the data folder (`keyring`).
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from parvis.access.secrets.keyring import Key, keyring

_FORMAT = "2"
_NONCE_BYTES = 12


class SecretUnreadableError(Exception):
    """The sealed text was altered, belongs to another place, or was sealed under a key that this installation has no more."""

    code = "secret_unreadable"


def seal(secret: str, *, place: str) -> str:
    """Only the same place opens what was sealed for it."""
    key = keyring().current
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_derived(key)).encrypt(nonce, secret.encode(), _bound(place, key))
    return f"{_FORMAT}:{key.name}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, place: str) -> str:
    version, _, rest = sealed.partition(":")
    name, _, body = rest.partition(":")
    key = keyring().named(name)
    if version != _FORMAT or key is None:
        raise SecretUnreadableError
    try:
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(_derived(key)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(place, key)).decode()
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadableError from error


def is_current(sealed: str) -> bool:
    """Whether it is sealed under the key that new ones are."""
    return sealed.startswith(f"{_FORMAT}:{keyring().current.name}:")


def _derived(key: Key) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"parvis.access.secrets").derive(key.value)


def _bound(place: str, key: Key) -> bytes:
    return f"{place}|{_FORMAT}|{key.name}".encode()
