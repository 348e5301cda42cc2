"""Secrets at rest: encrypted and bound to the place they belong to, so that one moved elsewhere no longer opens.

A place is "institution|table|row|version" (see `models.HoldsSecret`); its key is in a file of the data folder (`keyring`).
"""

from __future__ import annotations

from parvis.access import sealing
from parvis.access.sealing import SecretUnreadableError
from parvis.access.secrets.keyring import keyring

__all__ = ["SecretUnreadableError", "is_current", "seal", "unseal"]


def seal(secret: str, *, place: str) -> str:
    """Only the same place opens what was sealed for it."""
    return sealing.seal(secret, place=place, key=keyring().current)


def unseal(sealed: str, *, place: str) -> str:
    """Raises SecretUnreadableError."""
    return sealing.unseal(sealed, place=place, ring=keyring())


def is_current(sealed: str) -> bool:
    """Whether it is sealed under the key that new ones are."""
    return sealing.is_sealed_under(sealed, keyring().current)
