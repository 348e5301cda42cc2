"""What an API key looks like: `parvis_`, 43 characters that hold 256 random bits, 6 that check them.

The prefix and the checksum are for programs that search code for secrets: they tell a key from chance without asking the
server. A key is stored as a keyed hash only, so that a copy of the database holds none.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib

from parvis.access.derivation import keyed_hash

PREFIX = "parvis_"
BITS = 256
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BODY_LENGTH, _CHECK_LENGTH = 43, 6  # 62 ** 43 > 2 ** 256, 62 ** 6 > 2 ** 32
_SHAPE = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_BODY_LENGTH}}})([0-9A-Za-z]{{{_CHECK_LENGTH}}})")


def new_token() -> str:
    body = _in_digits(secrets.randbits(BITS), _BODY_LENGTH)
    return PREFIX + body + _checksum(body)


def is_well_formed(token: str) -> bool:
    found = _SHAPE.fullmatch(token)
    return found is not None and found.group(2) == _checksum(found.group(1))


def looks_like_one(text: str) -> bool:
    """Whether somebody put a key, or a piece of one, where it does not belong."""
    return text.strip().startswith(PREFIX)


def digest(token: str, *, master: str) -> str:
    return keyed_hash(token.encode(), master=master, use="parvis.access.keys")


def hint(token: str) -> str:
    """Enough for its holder to tell it from their others: 24 bits of 256."""
    return token[: len(PREFIX) + 4]


def _checksum(body: str) -> str:
    return _in_digits(zlib.crc32((PREFIX + body).encode()), _CHECK_LENGTH)


def _in_digits(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
