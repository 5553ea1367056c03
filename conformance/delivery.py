"""How a reply arrives: framing, codings, cuts, holds and early ends, as a script of steps.

A `Reply` is what is said, a `Delivery` how it travels; `script(reply, delivery, method)` turns both
into the ordered steps that a server takes. Nothing here does I/O. Three coordinates are in use:
the *body* (before coding), the *coded body*, and the *wire* (`before`, head, framed body, `extra`).

A reply that brings its own Content-Length or Transfer-Encoding keeps it and gets none from the
framing. With `framing="content-length"` its body then goes out as it stands, so that broken chunk
sizes, trailers and conflicting lengths can be played.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.codings import coded, header_name, split
from conformance.wire import Parts, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FRAMINGS = ("chunked", "content-length", "until-close")
ENDS = ("close", "reset")


@dataclass(frozen=True)
class Reply:
    """What is said: status, header lines in order, body before any coding, reason."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str = "OK"

    @property
    def bodyless(self) -> bool:
        """Whether the status rules out a body."""
        return self.status < 200 or self.status in (204, 304)

    def has(self, name: str) -> bool:
        """Whether a header line of this lower-case name is there, in any case."""
        return any(key.lower() == name for key, _ in self.headers)


@dataclass(frozen=True)
class Delivery:
    """How a reply travels; the default is one chunk in one segment, on a connection that stays."""

    framing: str = "chunked"
    codings: tuple[str, ...] = ()  # applied in this order, named so in Content-Encoding
    flush_at: tuple[int, ...] = ()  # body: every coding is flushed there, or a member ends
    chunks: tuple[int, ...] = ()  # coded body: an HTTP chunk and a TCP segment end there
    joined: bool = False  # HTTP chunks only: `chunks` end no segments
    cuts: tuple[int, ...] = ()  # wire: a segment ends there too
    held: tuple[int, ...] = ()  # coded body: nothing from there on before a release
    silent: bool = False  # nothing at all before a release
    end: tuple[str, int] | None = None  # "close" or "reset" after so much of the coded body
    end_wire: tuple[str, int] | None = None  # the same after so much of the wire
    before: bytes = b""  # sent first: interim responses, junk
    head: bytes | None = None  # instead of the head made here, final blank line included
    extra: bytes = b""  # sent after the complete message
    endless: bytes = b""  # repeated after the body until the client goes away
    connection_close: bool = False  # announced, and done after the message

    @property
    def early(self) -> tuple[str, int] | None:
        """The early end, in whichever coordinate it is given."""
        return self.end or self.end_wire

    @property
    def closes(self) -> bool:
        """Whether the connection ends after a complete message."""
        return self.connection_close or self.framing == "until-close"


@dataclass(frozen=True)
class Send:
    """One TCP segment, in parts that need not be copied together."""

    parts: Parts

    @property
    def data(self) -> bytes:
        """The segment as one bytes object."""
        return b"".join(self.parts)


@dataclass(frozen=True)
class Repeat(Send):
    """A segment sent again and again until the client goes away."""


@dataclass(frozen=True)
class Hold:
    """Wait for a release."""


@dataclass(frozen=True)
class Close:
    """End the connection in order (FIN)."""


@dataclass(frozen=True)
class Reset:
    """Break the connection (RST)."""


Step = Send | Hold | Close | Reset


@dataclass(frozen=True)
class Script:
    """The steps, the coded body as far as it is sent, and the cuts: where segments end in it."""

    steps: tuple[Step, ...]
    head: bytes
    body: bytes
    cuts: tuple[int, ...]

    @property
    def segments(self) -> tuple[bytes, ...]:
        """What each send puts on the wire; of an endless body one round."""
        return tuple(step.data for step in self.steps if isinstance(step, Send))

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The body, cut."""
        return tuple(split(self.body, self.cuts))


def script(reply: Reply, delivery: Delivery, method: str = "GET") -> Script:
    """The steps that answer one request of this method; ValueError for what cannot be played."""
    body = b"".join(coded(reply.body, delivery.codings, delivery.flush_at))
    _check(delivery, len(body))
    head = delivery.before + (
        _head(reply, delivery, len(body)) if delivery.head is None else delivery.head
    )
    if method == "HEAD" or reply.bodyless:
        wire = Wire(head, b"", None, delivery.extra)
        held, ends = set[int](), {*delivery.cuts}
        stop = min(_stop(delivery, wire), wire.size)  # the head is sent whole
    else:
        wire = _framed(head, body, delivery)
        held = {wire.at(offset) for offset in delivery.held}
        ends = {*held, *delivery.cuts}
        ends.update(() if delivery.joined else map(wire.at, delivery.chunks))
        stop = _stop(delivery, wire)
        _within("cut", delivery.cuts, wire.size, "bytes on the wire")
        _within("early end", [stop], wire.size, "bytes on the wire")
    ordered = sorted(end for end in {*ends, stop} if end <= stop)
    sent = body[: wire.body_at(stop)]
    cuts = {wire.body_at(end) for end in ordered} - {0, len(sent)}
    steps = (*_start(delivery), *_sends(wire, ordered, held), *_finish(delivery))
    return Script(steps, head, sent, tuple(sorted(cuts)))


def _framed(head: bytes, body: bytes, delivery: Delivery) -> Wire:
    if delivery.framing != "chunked":
        return Wire(head, body, None, delivery.extra)
    last = b"" if delivery.endless else b"0\r\n\r\n"
    return Wire(head, body, delivery.chunks, last + delivery.extra)


def _head(reply: Reply, delivery: Delivery, length: int) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {reply.reason}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if delivery.codings:
        lines.append("Content-Encoding: " + ", ".join(map(header_name, delivery.codings)))
    if not (reply.bodyless or reply.has("content-length") or reply.has("transfer-encoding")):
        framing = {
            "chunked": ["Transfer-Encoding: chunked"],
            "content-length": [f"Content-Length: {length}"],
        }
        lines += framing.get(delivery.framing, [])
    if delivery.closes and not reply.has("connection"):
        lines.append("Connection: close")
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def _stop(delivery: Delivery, wire: Wire) -> int:
    if delivery.end:
        return wire.at(delivery.end[1])
    return delivery.end_wire[1] if delivery.end_wire else wire.size


def _start(delivery: Delivery) -> Iterator[Step]:
    if delivery.silent:
        yield Hold()


def _sends(wire: Wire, ends: list[int], held: set[int]) -> Iterator[Step]:
    for end, parts in zip(ends, wire.segments(ends), strict=True):
        if parts:
            yield Send(parts)
        if end in held:
            yield Hold()


def _finish(delivery: Delivery) -> Iterator[Step]:
    if delivery.endless:
        piece = delivery.endless
        chunked = delivery.framing == "chunked"
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
        yield Repeat((memoryview(framed),))
    if delivery.early:
        yield Close() if delivery.early[0] == "close" else Reset()
    elif delivery.closes:
        yield Close()


def _check(delivery: Delivery, length: int) -> None:
    if delivery.framing not in FRAMINGS:
        raise ValueError(f"unknown framing {delivery.framing!r}; known: {', '.join(FRAMINGS)}")
    if delivery.early and delivery.early[0] not in ENDS:
        raise ValueError(f"unknown end {delivery.early[0]!r}; known: {', '.join(ENDS)}")
    if sum(map(bool, (delivery.end, delivery.end_wire, delivery.extra, delivery.endless))) > 1:
        raise ValueError("a message has one of: end, end_wire, extra, endless")
    if delivery.endless and (delivery.framing == "content-length" or delivery.codings):
        raise ValueError("an endless body has neither a length nor a coding")
    _within("chunk end", delivery.chunks, length, "bytes of coded body")
    _within("hold", delivery.held, length, "bytes of coded body")
    if delivery.end:
        _within("early end", delivery.end[1:], length, "bytes of coded body")
        _within("hold", delivery.held, delivery.end[1], "bytes before the early end")


def _within(what: str, offsets: Iterable[int], limit: int, unit: str) -> None:
    for offset in offsets:
        if not 0 <= offset <= limit:
            raise ValueError(f"{what} at {offset}: outside the {limit} {unit}")
