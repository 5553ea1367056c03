"""What Hypothesis draws: bodies that hurt, and the ways in which they travel.

`search(court, strategy, judge)` awaits `judge(case, drawn)` for some drawn values and raises what
the simplest failing one raises; `court.last` is then the case of that one. What is drawn, and how
many, `court.settings()` says: see `conformance.fuzzing`. The other names are strategies.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning

from conformance.codings import coded
from conformance.delivery import FRAMINGS, Delivery, Reply, script
from conformance.plans import PLANS, Cuts

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from hypothesis.strategies import SearchStrategy

    from conformance.case import Case
    from conformance.court import Court

T = TypeVar("T")
Sent = tuple[Reply, Delivery]

LIMIT = 4.0  # seconds for one drawn value; less than the timeout that sessions are given
SHRINKING = 100  # values that are tried, once one has failed, for a simpler one

# Searching


def search(
    court: Court,
    strategy: SearchStrategy[T],
    judge: Callable[[Case, T], Coroutine[Any, Any, None]],
    limit: float = LIMIT,
) -> None:
    """Judge drawn values; see the module."""
    failed: list[T] = []
    left = SHRINKING

    @court.settings()
    @given(strategy)
    def play(drawn: T) -> None:
        nonlocal left
        if failed and drawn not in failed:
            left -= 1
            if left < 0:
                return
        try:
            court.play(lambda case: judge(case, drawn), limit)
        except Exception:
            failed.append(drawn)
            raise

    with warnings.catch_warnings():
        # What was found is shown by us: that Hypothesis would have much to print is no matter.
        warnings.simplefilter("ignore", HypothesisWarning)
        play()


# Text and bytes

ENDINGS = ("\n", "\r\n", "\r")
# What other rules than ours take for the end of a line, and NUL.
IMPOSTORS = ("\u2028", "\u2029", "\x85", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\0")
WORDS = ("a", " ", "é", "€", "日本", "\U0001f600", "\t", "data: ", '{"n": 1}')
BROKEN = (b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\x80")

CHARSETS = (
    "utf-8",
    "iso-8859-1",
    "windows-1252",
    "utf-16",
    "shift_jis",
    "utf-16be",
    "utf-16le",
    "us-ascii",
    "iso-8859-15",
    "euc-jp",
    "gb18030",
    "big5",
    "euc-kr",
    "koi8-r",
    "iso-2022-jp",
    "utf-32",
)


def _joined(*pieces: SearchStrategy[str], most: int = 12) -> SearchStrategy[str]:
    return st.lists(st.one_of(*pieces), max_size=most).map("".join)


_no_marks = st.characters(codec="utf-8", exclude_characters="\ufeff")
_words = st.sampled_from(WORDS)
_long = st.integers(1, 5000).map(lambda count: "long" * count)

texts = _joined(
    st.sampled_from(ENDINGS),
    _words,
    st.sampled_from(IMPOSTORS),
    st.text(_no_marks, max_size=8),
    _long,
)
"""Text of all kinds, often empty lines, sometimes a long one; no byte order mark."""

lines = _joined(_words, st.sampled_from(IMPOSTORS), st.text(_no_marks, max_size=4), most=4).map(
    lambda text: text.replace("\n", "").replace("\r", "")
)
"""One line, without its ending; may be empty."""

bodies: SearchStrategy[bytes] = st.lists(
    st.one_of(
        texts.map(str.encode),
        st.sampled_from(BROKEN),
        st.binary(max_size=8),
        st.integers(1, 20_000).map(lambda count: b"0123456789abcde\n" * (count // 16)),
    ),
    max_size=6,
).map(b"".join)
"""Bytes of all kinds, also none, invalid UTF-8 among them, up to a hundred kilobytes."""


def in_charset(charset: str) -> SearchStrategy[bytes]:
    """Text that the charset has, encoded in it."""
    return texts.map(lambda text: text.encode(charset, "ignore"))


charsets = st.sampled_from(CHARSETS)


# Arrival

# Nothing here depends on the body that is delivered: so Hypothesis can simplify either alone.
_offsets = st.lists(st.integers(1, 30) | st.integers(1, 50_000), unique=True, max_size=5)
_sore_places = st.sampled_from(("whole", "crlf-cut", "utf8-cut", "bytewise"))
_MANY = 24  # cuts at the places that hurt; more of them take time, and show no more


def clipped(offsets: Iterable[int], size: int) -> Cuts:
    """The offsets that lie strictly inside so many bytes, in order."""
    return tuple(sorted({offset for offset in offsets if 0 < offset < size}))


def cuts(body: bytes, offsets: Iterable[int], plan: str) -> Cuts:
    """Cuts in a body: at offsets, and where it hurts."""
    return clipped([*offsets, *PLANS[plan](body)[:_MANY]], len(body))


@dataclass(frozen=True)
class Arrival:
    """How something arrives, whatever it is; offsets beyond its end do not count."""

    framing: str
    offsets: tuple[int, ...]
    plan: str
    joined: bool
    on_the_wire: tuple[int, ...]
    flushes: tuple[int, ...] = ()
    codings: tuple[str, ...] = ()

    def of(self, reply: Reply) -> Sent:
        """The reply and its delivery."""
        flush_at = clipped(self.flushes, len(reply.body))
        whole = b"".join(coded(reply.body, self.codings, flush_at))
        chunks = cuts(whole, self.offsets, self.plan)
        delivery = Delivery(self.framing, self.codings, flush_at, chunks, self.joined)
        size = sum(map(len, script(reply, delivery).segments))
        return reply, replace(delivery, cuts=clipped(self.on_the_wire, size))


def arrivals(
    codings: SearchStrategy[tuple[str, ...]] = st.just(()),  # noqa: B008 - immutable
    framings: tuple[str, ...] = FRAMINGS,
    flushes: int = 0,
) -> SearchStrategy[Arrival]:
    """Framings, cuts in the coded body and cuts anywhere on the wire; so many flushes at most."""
    return st.builds(
        Arrival,
        st.sampled_from(framings),
        _offsets.map(tuple),
        _sore_places,
        st.booleans(),
        st.lists(st.integers(1, 300), unique=True, max_size=4).map(tuple),
        st.lists(st.integers(1, 30), unique=True, max_size=flushes).map(tuple),
        codings,
    )


def sent(
    bodies: SearchStrategy[bytes] = bodies,
    headers: tuple[tuple[str, str], ...] = (),
    codings: SearchStrategy[tuple[str, ...]] = st.just(()),  # noqa: B008 - immutable
    flushes: int = 0,
) -> SearchStrategy[Sent]:
    """A reply with one of the bodies, and how it arrives."""
    replies = bodies.map(lambda body: Reply(headers=headers, body=body))
    drawn = st.tuples(arrivals(codings, flushes=flushes), replies)
    return drawn.map(lambda pair: pair[0].of(pair[1]))


def cut_short(
    bodies: SearchStrategy[bytes] = bodies, headers: tuple[tuple[str, str], ...] = ()
) -> SearchStrategy[Sent]:
    """A reply whose body breaks off: anywhere behind the head, and before its last byte."""
    missing = st.integers(1, 40) | st.integers(1, 50_000)
    framed = arrivals(framings=("chunked", "content-length"))
    replies = bodies.filter(bool).map(lambda body: Reply(headers=headers, body=body))
    return st.tuples(framed, missing, replies).map(lambda drawn: _without_its_end(*drawn))


def _without_its_end(arrival: Arrival, missing: int, reply: Reply) -> Sent:
    _, delivery = arrival.of(reply)
    played = script(reply, delivery)
    size = sum(map(len, played.segments))
    stop = max(len(played.head), size - missing)
    return reply, replace(delivery, end_wire=("close", stop))
