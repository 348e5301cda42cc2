"""Addresses that no model is asked at: where a machine answers about itself and its credentials, however they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import inet_aton


def is_of_the_machine(host: str) -> bool:
    """Of a name, whether it is a known one; of an address, whether it is link-local or a known one, or leads to such a one
    through another notation (one number, octal, IPv6 that embeds IPv4, NAT64, 6to4, Teredo). What other names resolve to is
    checked when they are connected to."""
    if host.rstrip(".").lower() in _NAMES:
        return True
    found = _address(host.strip("[]"))
    return found is not None and any(_is_barred(one) for one in (found, *_embedded(found)))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        try:
            return ip_address(inet_aton(host))  # 2852039166, 0xa9.0xfe.43518…
        except (OSError, UnicodeEncodeError):
            return None


def _embedded(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if not isinstance(address, IPv6Address):
        return []
    low = IPv4Address(int(address) & 0xFFFF_FFFF)
    found = [low] if any(address in network for network in _EMBEDS) else []
    found += [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
    return found + list(address.teredo or ())


def _is_barred(address: IPv4Address | IPv6Address) -> bool:
    return address.is_link_local or address.is_multicast or str(address) in _METADATA or address == _BROADCAST


_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"})
_METADATA = frozenset({"100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16", "192.0.0.192"})
_BROADCAST = IPv4Address("255.255.255.255")
# IPv4 in the last 32 bits: NAT64 (RFC 6052, RFC 8215), IPv4-compatible, IPv4-translated.
_EMBEDS = tuple(ip_network(one) for one in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96"))
