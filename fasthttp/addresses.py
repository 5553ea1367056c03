"""Which addresses are globally reachable: the table of the address guard (chapter security).

The sources are IANA's registries: IPv4 and IPv6 Special-Purpose Address Space, IPv4 Multicast, and
Internet Protocol Version 6 Address Space, as of 2025. Python's `is_global` follows them in some
releases only, so the table is kept here. The smallest network that has an address decides on it;
IPv6 outside of what is allocated to global unicast is refused, known or not.
"""

from __future__ import annotations

import socket
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Row(NamedTuple):
    """A network; `reachable` from everywhere or not, if no smaller network says otherwise.

    `embedded` is for IPv6 addresses that stand for an IPv4 address, which is judged in their
    place: the number of bits to its right.
    """

    network: str
    name: str
    reachable: bool = False
    embedded: int | None = None


TABLE: tuple[Row, ...] = (
    Row("0.0.0.0/0", "public", reachable=True),
    Row("0.0.0.0/8", "this network"),
    Row("0.0.0.0/32", "unspecified"),
    Row("10.0.0.0/8", "private"),
    Row("100.64.0.0/10", "carrier-grade NAT"),
    Row("127.0.0.0/8", "loopback"),
    Row("169.254.0.0/16", "link-local"),  # the metadata services of clouds, too
    Row("172.16.0.0/12", "private"),
    Row("192.0.0.0/24", "IETF protocol assignments"),
    Row("192.0.0.9/32", "Port Control Protocol anycast", reachable=True),
    Row("192.0.0.10/32", "TURN anycast", reachable=True),
    Row("192.0.2.0/24", "documentation"),
    Row("192.31.196.0/24", "AS112", reachable=True),
    Row("192.52.193.0/24", "AMT", reachable=True),
    Row("192.88.99.0/24", "6to4 relay anycast, deprecated"),
    Row("192.168.0.0/16", "private"),
    Row("192.175.48.0/24", "AS112", reachable=True),
    Row("198.18.0.0/15", "benchmarking"),
    Row("198.51.100.0/24", "documentation"),
    Row("203.0.113.0/24", "documentation"),
    Row("224.0.0.0/4", "multicast"),
    Row("240.0.0.0/4", "reserved"),
    Row("255.255.255.255/32", "broadcast"),
    Row("::/0", "reserved"),
    Row("::/96", "IPv4-compatible, deprecated"),
    Row("::/128", "unspecified"),
    Row("::1/128", "loopback"),
    Row("::ffff:0:0/96", "IPv4-mapped", embedded=0),
    Row("::ffff:0:0:0/96", "IPv4-translated"),
    Row("64:ff9b::/96", "NAT64", embedded=0),
    Row("64:ff9b:1::/48", "NAT64 of local use"),
    Row("100::/64", "discard-only"),
    Row("100:0:0:1::/64", "dummy prefix"),
    Row("2000::/3", "public", reachable=True),
    Row("2001::/23", "IETF protocol assignments"),
    Row("2001::/32", "Teredo"),
    Row("2001:1::1/128", "Port Control Protocol anycast", reachable=True),
    Row("2001:1::2/128", "TURN anycast", reachable=True),
    Row("2001:1::3/128", "DNS-SD registration anycast", reachable=True),
    Row("2001:2::/48", "benchmarking"),
    Row("2001:3::/32", "AMT", reachable=True),
    Row("2001:4:112::/48", "AS112", reachable=True),
    Row("2001:10::/28", "ORCHID, deprecated"),
    Row("2001:20::/28", "ORCHIDv2", reachable=True),
    Row("2001:30::/28", "drone identifiers", reachable=True),
    Row("2001:db8::/32", "documentation"),
    Row("2002::/16", "6to4"),
    Row("2620:4f:8000::/48", "AS112", reachable=True),
    Row("3fff::/20", "documentation"),
    Row("5f00::/16", "segment routing identifiers"),
    Row("fc00::/7", "unique-local"),
    Row("fe80::/10", "link-local"),
    Row("fec0::/10", "site-local, deprecated"),
    Row("ff00::/8", "multicast"),
    # Not of IANA's: a public address by its number, and in a virtual machine its Azure host.
    Row("168.63.129.16/32", "Azure host"),
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_LOW_32 = 0xFFFFFFFF


@cache  # made when it is first needed: an import has no use for it
def _ranges(version: int) -> list[tuple[int, int, Row]]:
    """Return the first and the last address of each network as numbers, the smallest first."""
    networks = [(ip_network(row.network), row) for row in TABLE]
    ranges = [(int(net[0]), int(net[-1]), row) for net, row in networks if net.version == version]
    return sorted(ranges, key=lambda entry: entry[1] - entry[0])


def parse(text: str) -> Address:
    """Return an address without its zone; one that is IPv4 in the end, as IPv4.

    Raises `ValueError` for what is no address.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & _LOW_32)
    return address


def network(text: str) -> Network:
    """Return the network, or the one address, that `text` is; one of mapped IPv4, as IPv4.

    Raises `ValueError` for what is none, and for host bits that are not zero.
    """
    found = ip_network(text)
    if isinstance(found, IPv6Network) and found.subnet_of(_MAPPED):
        return IPv4Network((int(found[0]) & _LOW_32, found.prefixlen - _MAPPED.prefixlen))
    return found


def dotted(host: str) -> str:
    """Return the IPv4 address that C libraries make of a host such as 127.1; else the host."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def refusal(address: Address) -> str | None:
    """Return the rule by which `address` is not connected to; None: it may be."""
    number = int(address)
    row = next(row for first, last, row in _ranges(address.version) if first <= number <= last)
    if row.embedded is not None:
        inner = IPv4Address(number >> row.embedded & _LOW_32)
        rule = refusal(inner)
        return rule and f"{row.name} ({row.network}) of {inner}, {rule}"
    return None if row.reachable else f"{row.name} ({row.network})"
