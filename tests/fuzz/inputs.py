"""What is thrown at the session and its decoders: good responses, and what can be done to them."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

from hypothesis import strategies as st

from conformance.codings import coded

TEXT = (
    "data: one\n\nid: 1\nevent: e\r\ndata: zwei \u20ac\r\n\r\n: c\rretry: 5\rdata: x\r\r".encode()
)
OK = b"HTTP/1.1 200 OK\r\n"


def _sized(body: bytes, headers: bytes = b"") -> bytes:
    return OK + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _chunked(body: bytes, headers: bytes = b"", size: int = 7) -> bytes:
    chunks = (body[at : at + size] for at in range(0, len(body), size))
    framed = b"".join(b"%x;n=v\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return OK + headers + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\nT: t\r\n\r\n"


EVENTS = b"Content-Type: text/event-stream\r\n"
CODINGS = ("gzip", "deflate", "raw-deflate", "br", "zstd", "gzip-members", "zstd-frames")
CODED = {coding: b"".join(coded(TEXT * 3, (coding,), (20, 60))) for coding in CODINGS}
NAMES = {"raw-deflate": "deflate", "gzip-members": "gzip", "zstd-frames": "zstd"}
NAMED = [(NAMES.get(coding, coding), body) for coding, body in CODED.items()]
SEEDS = [
    _sized(TEXT, EVENTS),
    _chunked(TEXT, EVENTS),
    OK + EVENTS + b"\r\n" + TEXT,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + _sized(b"ok"),
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nxyz",
    b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    _sized(TEXT, b"Content-Type: text/html; charset=utf-16\r\nSet-Cookie: a=b\r\n folded\r\n"),
    *(_sized(body, EVENTS + b"Content-Encoding: %b\r\n" % n.encode()) for n, body in NAMED),
    *(_chunked(body, b"Content-Encoding: %b\r\n" % n.encode()) for n, body in NAMED),
    _chunked(gzip.compress(zlib.compress(TEXT)), b"Content-Encoding: deflate, gzip\r\n"),
]
WORDS = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"\0", b"\r\n\r\n", b" ", b":", b";", b",", b"-", b"+", b"0x"),
        *(b"0\r\n", b"ffffffffffffffff\r\n", b"FFFFFFFF", b"-1", b"1e9", b"99999999999999999999"),
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 C\r\n\r\n", b"HTTP/2 200\r\n", b"ICY 200 OK\r\n"),
        *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length:\r\n"),
        *(b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: close\r\n", b"Connection:\r\n"),
        *(
            b"Content-Encoding: gzip\r\n",
            b"Content-Encoding: br, zstd\r\n",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
        ),
        *(b"Content-Type: text/event-stream\r\n", b"Location: //\\x\r\n", b"Location: \xff\r\n"),
        *(
            b"Content-Type: text/plain; charset=idna\r\n",
            b"Content-Type: \xff\r\n",
            b"\x1f\x8b\x08\0",
        ),
        *(b"data: " * 999, b"a" * 6000, b"X: y\r\n" * 300, b"a" * 70_000, b"(\xb5/\xfd"),
    ]
)
CHANGES = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "repeat", "cut", "flip"]),
    st.integers(0, 700),
    st.integers(1, 40),
    WORDS | st.binary(max_size=8),
)


def changed(seed: bytes, changes: list[tuple[str, int, int, bytes]]) -> bytes:
    data = seed
    for how, at, size, word in changes:
        start, end = at % (len(data) + 1), at % (len(data) + 1) + size
        middle = {
            "replace": word,
            "insert": word + data[start:end],
            "delete": b"",
            "repeat": data[start:end] * 3,
            "flip": bytes(byte ^ 1 << size % 8 for byte in data[start : start + 1])
            + data[start + 1 : end],
        }
        data = data[:start] + middle[how] + data[end:] if how in middle else data[:start]
    return data[:200_000]


RESPONSES = st.builds(changed, st.sampled_from(SEEDS), st.lists(CHANGES, max_size=5)) | st.binary(
    max_size=200
)
CUTS = st.lists(st.integers(1, 400), max_size=6)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    found = [data[start:end] for start, end in pairwise(edges)]
    return [piece for piece in found if piece]
