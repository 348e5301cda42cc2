"""Where a provider may be: what a name resolves to is judged at the moment it is connected to, and that address is the one
that is connected to.

Providers on the premises may be inside the network, and so may those that the operator gave; all others are outside. None is
ever on a link-local address, where machines of a cloud tell their secrets to whoever asks from inside.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Services of clouds that answer on addresses which are not link-local: Alibaba, Oracle, Azure, Amazon over IPv6.
METADATA = frozenset(
    ipaddress.ip_address(one) for one in ("100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")


class ForbiddenAddressError(Exception):
    """Never connected to."""

    code = "forbidden_address"


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests of one provider go. `path` ends where "/chat/completions" begins."""

    host: str
    port: int
    tls: bool
    path: str
    inside: bool  # private addresses may be its own

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def target_of(base_url: str, *, inside: bool) -> Target:
    """Raises ForbiddenAddressError for what no request is ever sent to. "/v1" is added where the address has no version."""
    try:
        parts = urlsplit(base_url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ForbiddenAddressError from None
    usable = parts.scheme in ("http", "https") and host and parts.username is None and port != 0
    if not usable or parts.query or parts.fragment or not _is_plain(base_url.strip()):
        raise ForbiddenAddressError
    tls = parts.scheme == "https"
    return Target(host, port or (443 if tls else 80), tls, versioned(parts.path), inside)


def versioned(path: str) -> str:
    """What people copy ends with an operation, a version or neither."""
    kept = path.rstrip("/")
    for operation in ("/chat/completions", "/completions", "/embeddings", "/models", "/responses"):
        kept = kept.removesuffix(operation)
    has_version = any(_is_version(part) for part in kept.split("/"))
    return kept if has_version else f"{kept}/v1"


def check(text: str, *, inside: bool) -> None:
    """Raises ForbiddenAddressError for an address that a provider of this place never has."""
    try:
        address = _outer(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        raise ForbiddenAddressError from None
    if _is_never(address) or (not inside and not address.is_global):
        raise ForbiddenAddressError


def _outer(address: Address) -> Address:
    """What it leads to, when one is written inside another."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):  # also the former "::a.b.c.d"
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def _is_never(address: Address) -> bool:
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.is_reserved and not address.is_loopback)
        or address in METADATA
        or (address.version == 4 and int(address) >> 24 == 0)
    )


def _is_plain(url: str) -> bool:
    return url.isascii() and url.isprintable() and not any(character in url for character in ' \\"<>^`{|}')


def _is_version(part: str) -> bool:
    return part[:1] == "v" and part[1:2].isdigit() and part[1:].isalnum()
