"""Chunk plans: named ways to cut a body, or a whole message, into pieces.

A plan takes bytes and gives ascending offsets strictly inside them. At most 1,024 of its cuts are
used, the first and the last 512, so that a long body costs no more than a short one: bytewise cuts
a megabyte at its first and last 512 bytes only. `drawn` is the plan that Hypothesis chooses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from conformance.codings import coded
from conformance.delivery import Delivery, Reply, script

Cuts = tuple[int, ...]
Plan = Callable[[bytes], Cuts]

EACH_END = 512

_LINE_END = re.compile(rb"[\r\n]")
_CONTINUATION = re.compile(rb"(?=[\x80-\xbf])")


def _inside(offsets: Iterable[int], body: bytes) -> Cuts:
    return tuple(sorted({offset for offset in offsets if 0 < offset < len(body)}))


def _bounded(offsets: Sequence[int]) -> Cuts:
    if len(offsets) <= 2 * EACH_END:
        return tuple(offsets)
    return (*offsets[:EACH_END], *offsets[-EACH_END:])


def _whole(body: bytes) -> Cuts:
    return ()


def _halves(body: bytes) -> Cuts:
    return _inside([len(body) // 2], body)


def _edges(body: bytes) -> Cuts:
    return _inside([1, len(body) - 1], body)


def _pairs(body: bytes) -> Cuts:
    return _bounded(range(2, len(body), 2))


def _bytewise(body: bytes) -> Cuts:
    return _bounded(range(1, len(body)))


def _crlf_cut(body: bytes) -> Cuts:
    return _bounded(_inside((found.end() for found in _LINE_END.finditer(body)), body))


def _utf8_cut(body: bytes) -> Cuts:
    return _bounded(_inside((found.start() for found in _CONTINUATION.finditer(body)), body))


PLANS: dict[str, Plan] = {
    "whole": _whole,
    "halves": _halves,
    "edges": _edges,  # the first and the last byte arrive alone
    "pairs": _pairs,
    "bytewise": _bytewise,
    "crlf-cut": _crlf_cut,  # after every CR and every LF, so also between the two
    "utf8-cut": _utf8_cut,  # before every continuation byte, so inside every multi-byte sequence
}


def planned(plan: str, reply: Reply, delivery: Delivery, *, wire: bool = False) -> Delivery:
    """The delivery with the plan's cuts: in the coded body as chunks, or on the wire as cuts."""
    if wire:
        message = b"".join(script(reply, replace(delivery, cuts=())).segments)
        return replace(delivery, cuts=PLANS[plan](message))
    body = b"".join(coded(reply.body, delivery.codings, delivery.flush_at))
    return replace(delivery, chunks=PLANS[plan](body))


def drawn(length: int, most: int = 16) -> st.SearchStrategy[Cuts]:
    """Any cuts inside so many bytes, at most `most` of them; shrinks to none."""
    if length < 2:
        return st.just(())
    offsets = st.integers(1, length - 1)
    return st.lists(offsets, unique=True, max_size=most).map(lambda cuts: tuple(sorted(cuts)))
