"""The context that goes with each statement to PostgreSQL: an institution, an expiry, and their signature for one connection.

The key is Parvis's, derived from its secret key. PostgreSQL holds a copy that the application's role cannot read, and only
verifies: whoever can send any SQL on the application's connection can make no context, nor use one of another connection.
"""

from __future__ import annotations

import hmac
import time
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LIFETIME_SECONDS = 45  # the database takes none that ends in more than 60: the difference is for clocks that differ
RENEWED_SECONDS = 20
_BLOCK_BYTES = 64


@lru_cache(maxsize=4)
def key_of(master: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"parvis.isolation.context").derive(master.encode())


def padded(key: bytes) -> tuple[bytes, bytes]:
    """The two halves of HMAC-SHA-256 (RFC 2104), so that PostgreSQL verifies with its own `sha256` and no extension."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def context(institution_id: int, *, backend_pid: int, master: str, now: float | None = None) -> str:
    """`<institution>.<expiry>.<signature>`. The signature holds for the connection of that server process only."""
    return _signed(institution_id, backend_pid, master, int(time.time() if now is None else now) // RENEWED_SECONDS)


@lru_cache(maxsize=4096)
def _signed(institution_id: int, backend_pid: int, master: str, turn: int) -> str:
    expiry = turn * RENEWED_SECONDS + LIFETIME_SECONDS
    message = f"{institution_id}.{expiry}.{backend_pid}".encode()
    return f"{institution_id}.{expiry}.{hmac.new(key_of(master), message, sha256).hexdigest()}"
