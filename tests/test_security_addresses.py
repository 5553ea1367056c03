"""The table of addresses: each entry at its edges, what is embedded, and what is no address."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasthttp import addresses
from fasthttp.addresses import TABLE
from spec.oracles.security import UNSETTLED, forbidden
from tests.support import PATIENT

# What is refused, by first and last address.
REFUSED = [
    ("0.0.0.1", "0.255.255.255", "this network (0.0.0.0/8)"),
    ("0.0.0.0", "0.0.0.0", "unspecified (0.0.0.0/32)"),
    ("10.0.0.0", "10.255.255.255", "private (10.0.0.0/8)"),
    ("100.64.0.0", "100.127.255.255", "carrier-grade NAT (100.64.0.0/10)"),
    ("127.0.0.0", "127.255.255.255", "loopback (127.0.0.0/8)"),
    ("169.254.0.0", "169.254.255.255", "link-local (169.254.0.0/16)"),
    ("172.16.0.0", "172.31.255.255", "private (172.16.0.0/12)"),
    ("192.0.0.0", "192.0.0.8", "IETF protocol assignments (192.0.0.0/24)"),
    ("192.0.0.11", "192.0.0.255", "IETF protocol assignments (192.0.0.0/24)"),
    ("192.0.2.0", "192.0.2.255", "documentation (192.0.2.0/24)"),
    ("192.88.99.0", "192.88.99.255", "6to4 relay anycast, deprecated (192.88.99.0/24)"),
    ("192.168.0.0", "192.168.255.255", "private (192.168.0.0/16)"),
    ("198.18.0.0", "198.19.255.255", "benchmarking (198.18.0.0/15)"),
    ("198.51.100.0", "198.51.100.255", "documentation (198.51.100.0/24)"),
    ("203.0.113.0", "203.0.113.255", "documentation (203.0.113.0/24)"),
    ("224.0.0.0", "239.255.255.255", "multicast (224.0.0.0/4)"),
    ("240.0.0.0", "255.255.255.254", "reserved (240.0.0.0/4)"),
    ("255.255.255.255", "255.255.255.255", "broadcast (255.255.255.255/32)"),
    ("168.63.129.16", "168.63.129.16", "Azure host (168.63.129.16/32)"),
    ("::", "::", "unspecified (::/128)"),
    ("::1", "::1", "loopback (::1/128)"),
    ("::2", "::ffff:ffff", "IPv4-compatible, deprecated (::/96)"),
    ("::ffff:0:0:0", "::ffff:0:ffff:ffff", "IPv4-translated (::ffff:0:0:0/96)"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64 of local use (64:ff9b:1::/48)"),
    ("64:ff9b::1:0:0", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "reserved (::/0)"),
    ("100::", "100::ffff:ffff:ffff:ffff", "discard-only (100::/64)"),
    ("100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", "dummy prefix (100:0:0:1::/64)"),
    ("100:0:0:2::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved (::/0)"),
    ("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo (2001::/32)"),
    ("2001:1::", "2001:1::", "IETF protocol assignments (2001::/23)"),
    (
        "2001:1::4",
        "2001:1:ffff:ffff:ffff:ffff:ffff:ffff",
        "IETF protocol assignments (2001::/23)",
    ),
    ("2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking (2001:2::/48)"),
    ("2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID, deprecated (2001:10::/28)"),
    (
        "2001:40::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "IETF protocol assignments (2001::/23)",
    ),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation (2001:db8::/32)"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4 (2002::/16)"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation (3fff::/20)"),
    ("4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved (::/0)"),
    (
        "5f00::",
        "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "segment routing identifiers (5f00::/16)",
    ),
    ("5f01::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved (::/0)"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique-local (fc00::/7)"),
    ("fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved (::/0)"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local (fe80::/10)"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local, deprecated (fec0::/10)"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast (ff00::/8)"),
]

# The neighbours of those, and what the registries except.
_REACHABLE = """
1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255
192.0.0.9 192.0.0.10 192.0.1.0 192.0.1.255 192.0.3.0 192.31.196.0 192.52.193.255 192.88.98.255
192.88.100.0 192.167.255.255 192.169.0.0 192.175.48.1 198.17.255.255 198.20.0.0 198.51.99.255
198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
2000:: 2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2001:1::1 2001:1::2 2001:1::3 2001:3:: 2001:4:112::
2001:20:: 2001:2f:ffff:ffff:ffff:ffff:ffff:ffff 2001:30:: 2001:3f:ffff:ffff:ffff:ffff:ffff:ffff
2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9::
2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff 2003:: 2620:4f:8000::
3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff 3fff:1000:: 3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff
"""
REACHABLE = _REACHABLE.split()


def rule(text: str) -> str | None:
    return addresses.refusal(addresses.parse(text))


@pytest.mark.parametrize(("first", "last", "name"), REFUSED, ids=str)
def test_refused_from_edge_to_edge(first: str, last: str, name: str) -> None:
    """The first and the last address of a range are refused by its name, their neighbours not."""
    assert (rule(first), rule(last)) == (name, name)
    before, after = int(ip_address(first)) - 1, int(ip_address(last)) + 1
    size = 1 << ip_address(first).max_prefixlen
    kind = type(ip_address(first))
    assert [rule(str(kind(n))) for n in (before, after) if 0 <= n < size].count(name) == 0


@pytest.mark.parametrize("address", REACHABLE)
def test_reachable(address: str) -> None:
    """What is globally reachable is connected to, next to every range that is not."""
    assert rule(address) is None


def test_every_entry_is_tried() -> None:
    """Of every entry that refuses, an address is in the list above; of every exception, too."""
    refused = {name.rpartition("(")[2].rstrip(")") for _, _, name in REFUSED}
    reachable = {
        row.network
        for row in TABLE
        if row.reachable and any(ip_address(a) in ip_network(row.network) for a in REACHABLE)
    }

    assert {row.network for row in TABLE if row.embedded is None} == refused | reachable


def test_entries_are_networks() -> None:
    """Every entry is a network, its host bits zero, and none is there twice."""
    networks = [ip_network(row.network) for row in TABLE]

    assert len(set(networks)) == len(TABLE)


@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    "outer",
    [
        "::ffff:{v4}",
        "::{v4}",
        "::ffff:0:{v4}",
        "64:ff9b::{v4}",
        "64:ff9b:1::{v4}",
        "2002:{hex}::1",
        "2001:0:{hex}::1",  # the server of a Teredo address
        "2001:0:808:808::{flipped}",  # its client
        "::ffff:{v4}%eth0",
    ],
)
def test_forbidden_inside(outer: str, inner: str) -> None:
    """A forbidden IPv4 address is forbidden in each kind of IPv6 address."""
    number = int(ip_address(inner))
    hexed, flipped = (f"{n >> 16:x}:{n & 0xFFFF:x}" for n in (number, number ^ 0xFFFFFFFF))

    assert rule(outer.format(v4=inner, hex=hexed, flipped=flipped)) is not None


def test_what_is_inside_is_named() -> None:
    """The rule names the address inside, and the rule for that."""
    assert rule("64:ff9b::127.0.0.1") == (
        "NAT64 (64:ff9b::/96) of 127.0.0.1, loopback (127.0.0.0/8)"
    )
    assert rule("::ffff:127.0.0.1") == "loopback (127.0.0.0/8)"


@pytest.mark.parametrize("address", ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_public_inside(address: str) -> None:
    """Mapped addresses, and NAT64 of the well-known prefix, lead to public ones as well."""
    assert rule(address) is None


@PATIENT
@given(st.ip_addresses())
def test_the_oracle_agrees(address: object) -> None:
    """Any address is judged as the specification's own table does, where that is settled."""
    text = str(address)
    known = any(address in network for network in UNSETTLED) or text == "168.63.129.16"
    if not known and not text.startswith(("::ffff:", "64:ff9b::")):
        assert (rule(text) is not None) == forbidden(text)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f.0.0.1", "1.2.3.4.5", "::1::", "é"]
)
def test_no_address(text: str) -> None:
    """What is no address in its one spelling is a ValueError, not an address."""
    with pytest.raises(ValueError, match=r"does not appear"):
        addresses.parse(text)
