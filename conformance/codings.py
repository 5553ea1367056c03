"""Content codings as servers apply them: flushed, in several members, in lists.

A coder takes the pieces of one body and gives as many coded pieces back: what is decodable of the
body after piece n depends on the first n coded pieces only. br and zstd need their modules.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any

Pieces = Sequence[bytes]
Coder = Callable[[Pieces], Pieces]


def coded(body: bytes, codings: Iterable[str], flush_at: Sequence[int] = ()) -> tuple[bytes, ...]:
    """The body under the codings, in one piece for each part that `flush_at` makes of it."""
    if not all(0 <= offset <= len(body) for offset in flush_at):
        raise ValueError(f"flush at {[*flush_at]}: outside the {len(body)} bytes of body")
    pieces: Pieces = split(body, sorted(set(flush_at)))
    for name in codings:
        pieces = _coder(name)(pieces)
    return tuple(pieces)


def flush_ends(body: bytes, codings: Iterable[str], flush_at: Sequence[int]) -> tuple[int, ...]:
    """Where the flushes lie in the coded body: good values for `chunks` and `held`."""
    return tuple(accumulate(map(len, coded(body, codings, flush_at))))[:-1]


def playable(coding: str) -> bool:
    """Whether the module that the coding needs is installed; ValueError if it is unknown."""
    try:
        _coder(coding)([b""])
    except ModuleNotFoundError:
        return False
    return True


def header_name(coding: str) -> str:
    """What Content-Encoding calls the coding."""
    return CODINGS[coding][0]


def split(body: bytes, offsets: Iterable[int]) -> list[bytes]:
    """The body, cut at the offsets, which ascend."""
    return [body[start:end] for start, end in pairwise([0, *offsets, len(body)])]


def _flushing(
    press: Callable[[bytes], bytes], sync: Callable[[], bytes], finish: Callable[[], bytes]
) -> Coder:
    def code(pieces: Pieces) -> Pieces:
        *early, last = pieces
        return [press(piece) + sync() for piece in early] + [press(last) + finish()]

    return code


def _zlib(wbits: int) -> Coder:
    made = zlib.compressobj(wbits=wbits)
    return _flushing(made.compress, lambda: made.flush(zlib.Z_SYNC_FLUSH), made.flush)


def _brotli() -> Coder:
    made = _module("br", "brotli").Compressor(quality=5)
    return _flushing(made.process, made.flush, made.finish)


def _zstd() -> Coder:
    made = _module("zstd", "compression.zstd", "backports.zstd").ZstdCompressor()
    return _flushing(made.compress, lambda: bytes(made.flush(made.FLUSH_BLOCK)), made.flush)


def _module(coding: str, *names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(f"the coding {coding!r} needs one of the modules {', '.join(names)}")


def _members(make: Callable[[], Coder]) -> Coder:
    return lambda pieces: [make()([piece])[0] for piece in pieces]


# coding -> its name in Content-Encoding, and what makes a fresh coder
CODINGS: dict[str, tuple[str, Callable[[], Coder]]] = {
    "identity": ("identity", lambda: list),
    "gzip": ("gzip", lambda: _zlib(31)),
    "x-gzip": ("x-gzip", lambda: _zlib(31)),
    "gzip-members": ("gzip", lambda: _members(lambda: _zlib(31))),
    "deflate": ("deflate", lambda: _zlib(15)),
    "raw-deflate": ("deflate", lambda: _zlib(-15)),
    "br": ("br", _brotli),
    "zstd": ("zstd", _zstd),
    "zstd-frames": ("zstd", lambda: _members(_zstd)),
}


def _coder(name: str) -> Coder:
    if name not in CODINGS:
        raise ValueError(f"unknown coding {name!r}; known: {', '.join(CODINGS)}")
    return CODINGS[name][1]()
