"""Secrets at rest: encrypted and bound to the row they belong to, so that one moved to another row no longer opens."""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = "1"
_NONCE_BYTES = 12


class SecretUnreadableError(Exception):
    """The sealed text was altered, belongs to another row, or was sealed under another master key."""

    code = "secret_unreadable"


def seal(secret: str, *, master: str, row: str) -> str:
    """`row` names the place, "institution|table|row"; only the same name opens what was sealed for it."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_key(master)).encrypt(nonce, secret.encode(), _bound(row))
    return f"{_VERSION}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, *, master: str, row: str) -> str:
    version, _, body = sealed.partition(":")
    try:
        if version != _VERSION:
            raise SecretUnreadableError
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(_key(master)).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(row)).decode()
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadableError from error


def _key(master: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"parvis.inference.secrets").derive(master.encode())


def _bound(row: str) -> bytes:
    return f"{row}|{_VERSION}".encode()
