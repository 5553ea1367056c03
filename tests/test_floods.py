"""Servers that talk without end are left, early, with a clear error and little memory.

A client in a process of its own meets every flood of `FLOODS`; what is asserted of its memory is
generous, and far below what any of these servers would send.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape

ROOT = Path(__file__).parent.parent
MIB = 2**20
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EVENTS = OK + b"Content-Type: text/event-stream\r\n\r\n"
MANY, FEW = 64 * MIB, MIB  # characters: the default of max_pending, and less


class Flood(NamedTuple):
    """What the server says, without end; how it is read; what comes of that."""

    head: bytes
    endless: bytes
    mode: str
    error: str
    message: str
    peak: int  # MiB
    pending: int = 64 * MIB  # characters; as many as the default


PROTOCOL, DECODING = "RemoteProtocolError", "DecodingError"
A = b"a" * 65536
FLOODS = {
    "header lines": Flood(
        OK, b"X-A: %b\r\n" % A[:1000] * 60, "aiter_bytes", PROTOCOL, "headers of over", 4
    ),
    "short header lines": Flood(OK, b"a:\r\n" * 9999, "aiter_bytes", PROTOCOL, "headers", 4),
    "one header": Flood(OK + b"X: ", A, "aiter_bytes", PROTOCOL, "headers of over", 4),
    "status line": Flood(b"HTTP/1.1 200 ", A, "aiter_bytes", PROTOCOL, "headers of over", 4),
    "interim responses": Flood(
        b"", b"HTTP/1.1 103 Hints\r\n\r\n" * 999, "aiter_bytes", PROTOCOL, "interim", 4
    ),
    "blank lines": Flood(b"", b"\r\n" * 9999, "aiter_bytes", PROTOCOL, "status line", 4),
    "chunk extension": Flood(CHUNKED + b"5;", A, "aiter_bytes", PROTOCOL, "chunk size", 4),
    "chunk size": Flood(CHUNKED, b"0" * 65536, "aiter_bytes", PROTOCOL, "chunk size", 4),
    "trailers": Flood(
        CHUNKED + b"0\r\n", b"X-A: 1\r\n" * 9999, "aiter_bytes", PROTOCOL, "trailers", 4
    ),
    "one trailer": Flood(CHUNKED + b"0\r\nX: ", A, "aiter_bytes", PROTOCOL, "trailers", 4),
    "small chunks unread": Flood(CHUNKED, b"1\r\na\r\n" * 9999, "late", "", "", 16),
    "body unread": Flood(OK + b"\r\n", A, "late", "", "", 8),
    "one line": Flood(OK + b"\r\n", A, "aiter_lines", DECODING, f"{MANY:,}", 200),
    "one line of CJK": Flood(
        OK + b"\r\n", "\u65e5".encode() * 20000, "aiter_lines", DECODING, f"{FEW:,}", 32, FEW
    ),
    "one event": Flood(
        EVENTS, b"data: %b\n" % A[:1000] * 60, "aiter_events", DECODING, f"{MANY:,}", 200
    ),
    "one event of empty lines": Flood(
        EVENTS, b"data:\n" * 9999, "aiter_events", DECODING, f"{FEW:,}", 32, FEW
    ),
    "one event of comments": Flood(
        EVENTS + b"data: x\n", b":\n" * 9999, "aiter_events", DECODING, f"{FEW:,}", 32, FEW
    ),
    "one comment": Flood(EVENTS + b":", A, "aiter_events", DECODING, f"{FEW:,}", 32, FEW),
    "one id": Flood(EVENTS + b"id:", A, "aiter_events", DECODING, f"{FEW:,}", 32, FEW),
}


def bomb(layers: int, megabytes: int) -> bytes:
    """Zeros, compressed so many times over."""
    coded, piece = b"", bytes(MIB)
    for layer in range(layers):
        coder = zlib.compressobj(9, zlib.DEFLATED, 31)
        pieces = [piece] * megabytes if layer == 0 else [coded]
        coded = b"".join([*map(coder.compress, pieces), coder.flush()])
    return coded


BOMBS = {"gzip": 1, "gzip, gzip": 2}
BOMB_SIZE = 300  # MiB


@cache
def met() -> dict[str, dict[str, Any]]:
    """What came of every flood and every bomb."""
    with Tape() as tape:
        arguments = []
        for flood in FLOODS.values():
            delivery = Delivery("until-close", head=flood.head, endless=flood.endless)
            arguments += [tape.play(Reply(), delivery).url, flood.mode, str(flood.pending)]
        for coding, layers in BOMBS.items():
            body = bomb(layers, BOMB_SIZE)
            reply = Reply(headers=(("Content-Encoding", coding),), body=body)
            arguments += [tape.play(reply).url, "aiter_bytes", str(MANY)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.flooded", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    return dict(zip([*FLOODS, *BOMBS], json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", FLOODS)
def test_flood(name: str) -> None:
    """An endless server is left with an error that says what there was too much of."""
    flood, came = FLOODS[name], met()[name]

    assert came["error"] == (flood.error or None), came
    assert flood.message in came["message"]
    assert came["count"] == 0
    assert came["peak"] < flood.peak * MIB


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name: str) -> None:
    """A small body that inflates to a huge one is read to its end in little memory."""
    came = met()[name]

    assert came["error"] is None, came
    assert came["count"] == BOMB_SIZE * MIB
    assert came["peak"] < 16 * MIB
