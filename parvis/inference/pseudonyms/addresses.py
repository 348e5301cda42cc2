"""Electronic addresses: e-mail, also written so that machines do not read it, IPv4 and IPv6."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from parvis.inference.pseudonyms.spans import EMAIL, IP, Span

LONGEST_LOCAL = 64
LONGEST_IPV6 = 45

_DOT = r"(?:\.|\s?[\[({]\s?(?:dot|point)\s?[\])}]\s?|\s(?:dot|point)\s)"
_DOMAIN = re.compile(
    rf"(?:[\w-]{{1,63}}{_DOT}){{1,8}}(?:xn--[\w-]{{2,59}}|[^\W\d_]{{2,24}})|\[[0-9A-Fa-f.:IPv]{{3,50}}\]", re.IGNORECASE
)
_AT = re.compile(r"[\[({<]\s?(?:at|arobase|arrobase|chez|@)\s?[\])}>]", re.IGNORECASE)
_SAID_AT = re.compile(r"\sarr?obase\s", re.IGNORECASE)
_OF_LOCAL = frozenset("!#$%&'*+/=?^_`{|}~.-’")

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?![\w]|\.[0-9])")
_DOTTED = re.compile(r"(?<![\w.])[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_HEX = frozenset("0123456789abcdefABCDEF:.")


def found(text: str) -> Iterator[Span]:
    yield from _emails(text)
    yield from _ipv4(text)
    if "::" in text or text.count(":") > 1:
        yield from _ipv6(text)


def _emails(text: str) -> Iterator[Span]:
    for start, end in _signs(text):
        domain = _DOMAIN.match(text, end)
        local = local_start(text, start) if domain else start
        if domain and local < start:
            yield Span(local, domain.end(), EMAIL)


def _signs(text: str) -> Iterator[tuple[int, int]]:
    """Where an @ stands, or what is written for one, with the spaces around it."""
    for sign in ("@", "\uff20"):
        place = text.find(sign)
        while place >= 0:
            yield place, place + 1
            place = text.find(sign, place + 1)
    for match in _AT.finditer(text):
        start = match.start() - text[match.start() - 1 : match.start()].isspace()
        yield start, match.end() + text[match.end() : match.end() + 1].isspace()
    if "robase" in text.lower():
        yield from (match.span() for match in _SAID_AT.finditer(text))


def _ipv4(text: str) -> Iterator[Span]:
    for match in _DOTTED.finditer(text):
        if whole := _IPV4.match(text, match.start()):
            yield Span(match.start(), whole.end(), IP)


def local_start(text: str, end: int) -> int:
    """Where the local part that ends there begins; `end` where there is none."""
    start = end
    if text[end - 1 : end] == '"' and end > 1:  # quoted: "with spaces"@univ.example
        opening = text.rfind('"', max(0, end - LONGEST_LOCAL), end - 1)
        if opening >= 0 and "\n" not in text[opening:end]:
            return opening
    while start and end - start < LONGEST_LOCAL and (text[start - 1].isalnum() or text[start - 1] in _OF_LOCAL):
        start -= 1
    while start < end and not text[start].isalnum() and text[start] != "_":
        start += 1
    return start


def _ipv6(text: str) -> Iterator[Span]:
    reached = 0
    for match in _COLONS.finditer(text):
        if match.start() < reached:
            continue
        start, end = match.start(), match.end()
        while start and match.start() - start < 5 and text[start - 1] in _HEX:
            start -= 1
        while end < len(text) and end - start < LONGEST_IPV6 and text[end] in _HEX:
            end += 1
        reached = end
        if span := _address(text, start, end):
            yield span


def _address(text: str, start: int, end: int) -> Span | None:
    """The longest address there, without the stop or the colon that may follow it."""
    if (start and text[start - 1].isalnum()) or text[end : end + 1].isalnum():
        return None
    value = text[start:end]
    for candidate in (value, value.rstrip("."), value.rstrip(":."), value.rstrip(":.") + "::"):
        if start + len(candidate) <= end and _is_somebodys(candidate):
            return Span(start, start + len(candidate), IP)
    return None


def _is_somebodys(value: str) -> bool:
    """Not "::", nor a slice or a scope of a programming language that reads as an address."""
    try:
        IPv6Address(value)
    except (AddressValueError, ValueError):
        return False
    groups = [group for group in value.split(":") if group]
    return any(character.isdigit() for character in value) and (len(groups) >= 4 or (bool(groups) and len(groups[0]) == 4))
