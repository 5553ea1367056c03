"""Checks of chapter bytes: chunks and their sizes, content codings, memory."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from conformance import strategies
from conformance.case import expect_error
from conformance.checks.body import PLAIN, READ_MODES, RECEIVED, WHOLE, outcome, read, recorded
from conformance.codings import CODINGS, coded, flush_ends, header_name, playable
from conformance.delivery import FRAMINGS, Delivery, Reply
from conformance.registry import check, searched
from conformance.strategies import Arrival, Sent, search
from conformance.verdicts import Deviation, NotApplicable, compare
from spec.oracles.bytes import chunks

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from conformance.case import Case, Outcome
    from conformance.court import Court
    from conformance.exchange import Exchange

MEGABYTE = 1 << 20
PIECE = b"\0" * MEGABYTE
MOST_READ_AHEAD = 32 * MEGABYTE  # the client's buffers and the kernel's: far less than this
ARRIVAL = 2.0  # seconds in which what has arrived must be delivered
SILENCE = 0.25  # seconds without a byte taken: the client has stopped reading
BOMB = 16 * MEGABYTE
MOST_DECODED = 4 * MEGABYTE  # in memory at once, of the bomb
MOST_WINDOW = 64 * MEGABYTE  # likewise, as the system sees it: a rough measure


def _named(accepts: str) -> list[str]:
    """The codings that an Accept-Encoding offers, as it names them."""
    offers = [part.partition(";") for part in accepts.split(",")]
    names = [(name.strip().lower(), q.replace(" ", "")) for name, _, q in offers]
    return [name for name, q in names if name and q not in ("q=0", "q=0.0", "q=0.00", "q=0.000")]


def _offered(accepts: str) -> list[str]:
    """The codings that count for a client with this Accept-Encoding, and can be played."""
    optional = [name for name in ("br", "zstd") if name in _named(accepts) and playable(name)]
    return ["gzip", "deflate", *optional]


# Chunks


@searched("bytes-whole")
def any_body(court: Court) -> None:
    async def judge(case: Case, sent: Sent) -> None:
        async with case.reading() as session:
            got = await outcome(case, session, sent, "aiter_bytes")
        if got.error is not None:
            raise Deviation("crash", sent[0].body, got.error)
        _are_chunks(got)
        compare(sent[0].body, got.data)

    search(court, strategies.sent(), judge)


@check("bytes-whole", plans=True)
async def never_empty(case: Case) -> None:
    async with case.opened() as session:
        for framing in FRAMINGS:
            for body in (b"", b"hello, world"):
                sent = Reply(body=body), Delivery(framing)
                _are_chunks(await outcome(case, session, sent, "aiter_bytes"))


def _are_chunks(got: Outcome) -> None:
    for chunk in got.items:
        if not isinstance(chunk, bytes):
            raise Deviation("wrong-type", "bytes", got.items, f"a chunk is {type(chunk).__name__}")
    if b"" in got.items:
        raise Deviation("extra", [chunk for chunk in got.items if chunk], got.items, "it is empty")


@check("bytes-whole", "recorded", plans=True)
async def recorded_whole(case: Case) -> None:
    async with case.opened() as session:
        for reply in recorded("httpbin/bytes", "httpbin/range", "httpbin/drip"):
            compare(reply.body, await read(case, session, (reply, Delivery()), "aiter_bytes"))


@searched("bytes-size")
def any_size(court: Court) -> None:
    async def judge(case: Case, drawn: tuple[Sent, int]) -> None:
        sent, size = drawn
        async with case.reading() as session:
            got = await outcome(case, session, sent, "aiter_bytes", size)
        compare(chunks(sent[0].body, size), got.items)

    sizes = st.integers(1, 12) | st.integers(1000, 70_000)
    # Small chunks of long bodies are many chunks: that takes time, and shows no more.
    short = st.binary(max_size=200)
    drawn = sizes.flatmap(
        lambda size: st.tuples(
            strategies.sent(short if size < 1000 else strategies.bodies), st.just(size)
        )
    )
    search(court, drawn, judge)


@check("bytes-size", "when-full")
async def as_soon_as_full(case: Case) -> None:
    """A chunk that is full is delivered, while the server holds the rest back."""
    await arrives(case, "aiter_bytes", 4, [b"0123", b"4567"], [b"89ab"])


async def arrives(case: Case, mode: str, size: int, first: list[Any], more: list[Any]) -> None:
    """What is full at the first hold, and what is at the second, comes before a release."""
    whole = type(first[0])().join([*first, *more])
    body = whole if isinstance(whole, bytes) else whole.encode()
    held = sum(len(piece if isinstance(piece, bytes) else piece.encode()) for piece in first)
    async with case.opened() as session:
        delivery = Delivery("chunked", held=(held, len(body)))
        exchange = case.play(Reply(headers=PLAIN, body=body + b"the rest"), delivery)
        async with case.stream(session, "GET", exchange.url) as response:
            case.note(f"resp.{mode}({size}), the server waiting where a chunk is full")
            pieces = aiter(getattr(response, mode)(size))
            for expected in (first, more):
                for piece in expected:
                    try:
                        async with asyncio.timeout(ARRIVAL):
                            got = await anext(pieces)
                    except TimeoutError:
                        note = "not delivered although it has arrived, and the server waits"
                        raise Deviation("missing", piece, None, note) from None
                    compare(piece, got, f"{mode}({size})")
                exchange.release()


@check("bytes-memory")
async def not_read_ahead(case: Case) -> None:
    """The server sends for ever; the caller has taken one chunk and takes no more."""
    async with case.opened() as session:
        exchange = case.play(Reply(body=b"first"), Delivery(endless=PIECE))
        async with case.stream(session, "GET", exchange.url) as response:
            case.note("anext(resp.aiter_bytes()), and then nothing: the server sends on")
            await anext(aiter(response.aiter_bytes()))
            await _stops_reading(exchange)


async def _stops_reading(exchange: Exchange) -> None:
    tape, before = exchange.tape, -1
    while before < exchange.sent:
        before = exchange.sent
        if before > MOST_READ_AHEAD:
            limit = f"at most {MOST_READ_AHEAD} bytes taken"
            raise Deviation("wrong-value", limit, before, "read ahead of the caller")
        try:
            await asyncio.to_thread(tape.wait, _more_than(exchange, before), str, SILENCE)
        except TimeoutError:
            return


def _more_than(exchange: Exchange, before: int) -> Any:
    return lambda: exchange.sent > before


# Codings


@check("bytes-codings")
async def every_mode(case: Case) -> None:
    """What a coding made of a body gives the same as the body itself, in every read mode."""
    body = "één\n\nline\n".encode() * 50
    async with case.opened() as session:
        for mode in READ_MODES:
            plain = await read(case, session, (Reply(headers=PLAIN, body=body), WHOLE), mode)
            for name in _offered(case.accepts):
                for framing in FRAMINGS:
                    sent = Reply(headers=PLAIN, body=body), Delivery(framing, (name,))
                    compare(plain, await read(case, session, sent, mode), f"{mode} under {name}")


@check("bytes-codings", "recorded", plans=True)
async def recorded_codings(case: Case) -> None:
    async with case.opened() as session:
        for name, wbits in (("gzip", 31), ("deflate", 15)):
            for reply in recorded(f"httpbin/{name}"):
                whole = zlib.decompress(reply.body, wbits)
                sent = reply, Delivery()
                compare(whole, await read(case, session, sent, "aiter_bytes"))
                compare(whole.decode(), await read(case, session, sent, "aiter_text"))
        if "br" in _offered(case.accepts):
            for reply in recorded("httpbin/brotli"):
                text = await read(case, session, (reply, Delivery()), "aiter_text")
                if '"brotli": true' not in text or not text.endswith("}\n"):
                    raise Deviation("wrong-value", 'a text with "brotli": true', repr(text))


def _undone(court: Court, codings: SearchStrategy[tuple[str, ...]], flushes: int = 3) -> None:
    """A coded body gives what the client makes of it uncoded, in whatever mode."""

    async def judge(case: Case, drawn: tuple[Sent, str]) -> None:
        (reply, delivery), mode = drawn
        async with case.reading() as session:
            plain = await read(case, session, (reply, WHOLE), mode)
            compare(plain, await read(case, session, (reply, delivery), mode))

    sent = strategies.sent(codings=codings, flushes=flushes)
    search(court, st.tuples(sent, st.sampled_from(READ_MODES)), judge)


@searched("bytes-codings")
def any_coding(court: Court) -> None:
    _undone(court, st.tuples(st.sampled_from(_offered(court.accepts))))


@searched("bytes-coding-list")
def any_list(court: Court) -> None:
    names = st.sampled_from([*_offered(court.accepts), "identity"])
    _undone(court, st.lists(names, min_size=2, max_size=3).map(tuple))


@searched("bytes-gzip-members")
def any_members(court: Court) -> None:
    _undone(court, st.just(("gzip-members",)), flushes=5)


@searched("bytes-deflate")
def any_deflate(court: Court) -> None:
    _undone(court, st.sampled_from([("deflate",), ("raw-deflate",)]))


@searched("bytes-zstd-frames")
def any_frames(court: Court) -> None:
    if "zstd" not in _offered(court.accepts):
        raise NotApplicable("the session does not offer zstd")
    _undone(court, st.just(("zstd-frames",)), flushes=5)


WBITS = {"gzip": 31, "deflate": 15, "raw-deflate": -15}


def _unfinished(name: str, body: bytes, flushes: list[int], end: int) -> tuple[bytes, bytes]:
    """The beginning of a coded body, and what can be decoded of it at least."""
    flush_at = strategies.clipped(flushes, len(body))
    whole = b"".join(coded(body, [name], flush_at))
    begun = whole[: min(end, len(whole) - 1)]
    if name in WBITS:
        return begun, zlib.decompressobj(WBITS[name]).decompress(begun)
    ends = zip(flush_ends(body, [name], flush_at), flush_at, strict=True)
    return begun, body[: max([0, *(at for flushed, at in ends if flushed <= len(begun))])]


@check("bytes-coding-truncated")
async def every_offset(case: Case) -> None:
    body = b"hello, hello"
    async with case.opened() as session:
        for name in _offered(case.accepts):
            headers = (("Content-Encoding", name),)
            whole = b"".join(coded(body, [name], (5,)))
            for end in range(1, len(whole)):
                sent = Reply(headers=headers, body=whole[:end]), WHOLE
                got = await outcome(case, session, sent, "aiter_bytes")
                expect_error(got, RECEIVED)
                compare(body[: len(got.data)], got.data)


@searched("bytes-coding-truncated")
def cut_anywhere(court: Court) -> None:
    async def judge(case: Case, drawn: tuple[Arrival, str, list[int], int, bytes]) -> None:
        arrival, name, flushes, end, body = drawn
        begun, decoded = _unfinished(name, body, flushes, end)
        headers = (("Content-Encoding", header_name(name)),)
        sent = arrival.of(Reply(headers=headers, body=begun))
        async with case.reading() as session:
            got = await outcome(case, session, sent, "aiter_bytes")
            expect_error(got, RECEIVED)
            if not (body.startswith(got.data) and got.data.startswith(decoded)):
                compare(decoded, got.data, "what could be decoded before the error")
            expect_error(await outcome(case, session, sent, "aread"), RECEIVED)

    drawn = st.tuples(
        strategies.arrivals(),
        st.sampled_from([*_offered(court.accepts), "raw-deflate"]),
        st.lists(st.integers(1, 30), max_size=2),
        st.integers(1, 60) | st.integers(1, 5000),
        strategies.texts.map(str.encode).filter(bool),
    )
    search(court, drawn, judge)


@cache
def _bomb(name: str) -> bytes:
    return b"".join(coded(bytes(BOMB), [name]))


@check("bytes-coding-bounded", limit=30, heavy=True)
async def inflates_flat(case: Case) -> None:
    """What is in memory at once is far less than the body, and so is every chunk."""
    async with case.opened() as session:
        for name in _offered(case.accepts):
            headers = (("Content-Encoding", name),)
            exchange = case.play(Reply(headers=headers, body=_bomb(name)), WHOLE)
            async with case.stream(session, "GET", exchange.url) as response:
                case.note(f"async for chunk in resp.aiter_bytes(): {BOMB} zeros under {name}")
                size, longest, peak = await _measured(response)
            compare(BOMB, size, f"the size of the body, under {name}")
            if max(longest, peak) > MOST_DECODED:
                got = f"{longest} bytes in a chunk, {peak} in memory"
                raise Deviation("wrong-value", f"at most {MOST_DECODED} bytes", got, name)


async def _measured(response: Any) -> tuple[int, int, int]:
    """The size of the body, its longest chunk, and the most memory in use meanwhile."""
    size = longest = 0
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            longest = max(longest, len(chunk))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        if not tracing:
            tracemalloc.stop()
    return size, longest, peak - before


def _wide_frame() -> bytes:
    """A zstd frame with a window of 128 MiB, and somewhat more zeros, in 4.4 kB."""
    blocks = 1100
    zeros = b"\x02\x00\x10\x00"  # a block: 128 KiB of one byte, which is NUL
    return b"\x28\xb5\x2f\xfd\x00\x88" + zeros * (blocks - 1) + b"\x03" + zeros[1:]


def _resident() -> int:
    """The bytes of this process in memory, also those that Python knows nothing of."""
    try:
        pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    except OSError:
        raise NotApplicable("this system does not tell how much memory is in use") from None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@check("bytes-coding-bounded", "window", limit=30)
async def wide_window(case: Case) -> None:
    """A window far wider than 8 MiB is refused, or not kept in memory (RFC 9659)."""
    if "zstd" not in _offered(case.accepts):
        raise NotApplicable("the session does not offer zstd")
    sent = Reply(headers=(("Content-Encoding", "zstd"),), body=_wide_frame()), WHOLE
    async with case.opened() as session:
        exchange = case.play(*sent)
        before = most = _resident()
        try:
            async with case.stream(session, "GET", exchange.url) as response:
                async for _ in response.aiter_bytes():
                    most = max(most, _resident())
        except (httpx.DecodingError, httpx.TransportError):
            pass
    if most - before > MOST_WINDOW:
        got = f"{most - before} bytes more in memory"
        raise Deviation("wrong-value", f"at most {MOST_WINDOW} bytes", got, "a frame of 4.4 kB")


@check("bytes-accept-encoding")
async def all_that_is_offered(case: Case) -> None:
    named = [name for name in _named(case.accepts) if name not in ("identity", "*")]
    if not named:
        raise NotApplicable("the session sends no Accept-Encoding of its own")
    body = b"in every coding that was offered\n" * 20
    judged = [name for name in named if name in CODINGS and playable(name)]
    if not judged:
        raise NotApplicable(f"the suite has no module for {', '.join(named)}")
    async with case.opened() as session:
        for name in judged:
            case.note(f"Accept-Encoding: {case.accepts}; the server takes {name}")
            sent = Reply(body=body), Delivery(codings=(name,))
            compare(body, await read(case, session, sent, "aread"), f"under {name}")
            compare(body, await read(case, session, sent, "aiter_bytes"), f"under {name}")


@check("bytes-raw", plans=True)
async def as_it_was_sent(case: Case) -> None:
    body = b"as it was sent\n" * 9
    async with case.opened() as session:
        for name in ("identity", *_offered(case.accepts), "gzip-members"):
            whole = b"".join(coded(body, [name], (15, 30)))
            for framing in FRAMINGS:
                sent = Reply(body=body), Delivery(framing, (name,), (15, 30))
                compare(whole, await read(case, session, sent, "aiter_raw"), f"under {name}")
        unknown = Reply(headers=(("Content-Encoding", "x-made-up"),), body=body)
        got = await read(case, session, (unknown, Delivery()), "aiter_raw")
        compare(body, got, "under a coding that nobody knows")
