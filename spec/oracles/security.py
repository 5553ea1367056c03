"""The addresses that security=True never connects to (chapter security).

`forbidden` follows the IANA registries: what they do not call globally reachable, multicast, and
what is reserved. Inside UNSETTLED the registries have exceptions, or it depends on the IPv4 address
that is carried; of these only `carriers` of a forbidden one are judged.
"""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

NETWORKS = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/3", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    *("4000::/2", "8000::/1"),  # nothing there is given out, or it is local
)
UNSETTLED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("192.0.0.9/32", "192.0.0.10/32", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.175.48.0/24", "2001:1::/32", "2001:3::/32"),
        *("2001:4:112::/48", "2001:20::/28", "2001:30::/28", "2620:4f:8000::/48"),
        *("::ffff:0:0/96", "64:ff9b::/96", "2002::/16"),
    )
)
_FORBIDDEN: tuple[Network, ...] = tuple(map(ip_network, NETWORKS))


def forbidden(address: str) -> bool:
    """Whether a connection to this IPv4 or IPv6 address is refused."""
    parsed = ip_address(address.partition("%")[0])
    return any(parsed in network for network in _FORBIDDEN)


def carriers(inner: str) -> dict[str, str]:
    """The IPv6 addresses that carry an IPv4 address inside, by their kind."""
    v4 = int(ip_address(inner))
    above = int(IPv6Address("64:ff9b:1::"))
    return {
        kind: str(IPv6Address(number))
        for kind, number in {
            "mapped": 0xFFFF << 32 | v4,
            "compatible": v4,
            "6to4": 0x2002 << 112 | v4 << 80 | 1,
            "Teredo": 0x2001 << 112 | 0x41F8D4A2 << 64 | (v4 ^ 0xFFFFFFFF),
            "NAT64": 0x64FF9B << 96 | v4,
            "local NAT64": above | v4,
            "local NAT64, /48": above | v4 >> 16 << 64 | (v4 & 0xFFFF) << 40,
        }.items()
    }
