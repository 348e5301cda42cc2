"""What placeholders are made with: both planes make the same ones of what must compare."""

from __future__ import annotations

import secrets

from parvis.access.derivation import keyed_hash

VECTORS = "vectors"  # of the institution's documents and of what is asked of them, this day or another


def key_of(institution_id: int, subject: str, *, master: str) -> bytes:
    """The same for the same subject: a conversation, or VECTORS. Without one, of this request alone."""
    if not subject:
        return secrets.token_bytes(32)
    return bytes.fromhex(keyed_hash(f"{institution_id}|{subject}".encode(), master=master, use="parvis.inference.pseudonyms"))
