"""What somebody sends who has no key: pieces and changes of real ones, chance, and what breaks programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from parvis.access.keys import tokens

_BREAKING = ("", " ", "\0", "' OR 1=1 --", "parvis_", "parvis_%", "parvis_" + "é" * 49, "null", "parvis_\n", "A" * 100_000)


def hostile(random: Random, given: Sequence[str], count: int) -> Iterator[str]:
    """None of these is one of the keys given."""
    kinds = (_changed, _changed_with_its_checksum, _cut, _other_case, _joined, _of_chance, _breaking)
    for _ in range(count):
        made = random.choice(kinds)(random, random.choice(given))
        if made not in given:
            yield made


def _changed(random: Random, token: str) -> str:
    place = random.randrange(len(token))
    return token[:place] + random.choice(tokens._DIGITS) + token[place + 1 :]


def _changed_with_its_checksum(random: Random, token: str) -> str:
    body = _changed(random, token.removeprefix(tokens.PREFIX)[: tokens._BODY_LENGTH])
    return tokens.PREFIX + body + tokens._checksum(body)


def _cut(random: Random, token: str) -> str:
    return token[: random.randrange(len(token))] if random.random() < 0.5 else token[random.randrange(1, len(token)) :]


def _other_case(_random: Random, token: str) -> str:
    return token.swapcase()


def _joined(random: Random, token: str) -> str:
    return token + random.choice((" ", token, ",", "0", "\u200b", "\n"))


def _of_chance(random: Random, _token: str) -> str:
    body = "".join(random.choices(tokens._DIGITS, k=tokens._BODY_LENGTH))
    return tokens.PREFIX + body + tokens._checksum(body)


def _breaking(random: Random, _token: str) -> str:
    return random.choice(_BREAKING)
