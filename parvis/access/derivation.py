"""Keys for one use each, made from the installation's master secret: what one of them leaks opens nothing of another."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def keyed_hash(content: bytes, *, master: str, use: str) -> str:
    """HMAC-SHA-256, in hexadecimal. Two uses give unrelated hashes of the same content."""
    return hmac.new(derived_key(master, use), content, hashlib.sha256).hexdigest()


@lru_cache(maxsize=16)
def derived_key(master: str, use: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=use.encode()).derive(master.encode())
