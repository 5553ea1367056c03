"""The decompressors of three libraries behind one face, `Engine`, and which are installed.

An engine reads one compressed stream. `push(data)` returns at most `PIECE` decoded bytes; while
`more` is true, `push(b"")` has further ones, and new data must wait. At the end of the stream `eof`
is true, and `rest` is what came behind it. Damaged data raises `Corrupt`, and what that push had
decoded is lost; `again()`, asked before, makes an engine to go through the data in smaller steps.
"""

import sys
import zlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

PIECE = 256 * 1024  # zlib copies its window with each: with 64 KiB it takes a tenth more time
_LOSABLE = 64 * 1024  # the same for br and zstd, which lose the piece that damage is found in
_ZSTD_HEADER = 18  # the size of the longest frame header
_ZSTD_WINDOW_LOG = 23  # 8 MiB, as RFC 9659 has it; without a limit a body could ask for 128 MiB


class Corrupt(ValueError):  # noqa: N818 - an adjective, as in "the stream is corrupt"
    """The compressed data is damaged; the message is the library's."""


class Engine:
    """One compressed stream on its way through a decompressor."""

    more = False
    eof = False
    rest = b""
    _error: type[Exception]
    _fresh = True

    def push(self, data: bytes) -> bytes:
        """Return what can be decoded with `data`, at most `PIECE` bytes of it."""
        self._fresh = False
        try:
            return self._push(data)
        except self._error as error:
            raise Corrupt(str(error)) from error

    def again(self) -> "Callable[[], Engine] | None":
        """Return what makes one more engine in the present state, None if that cannot be done."""
        return type(self) if self._fresh else None

    def _push(self, data: bytes) -> bytes:
        raise NotImplementedError


class Inflate(Engine):
    """One gzip member, zlib stream or raw deflate stream, by `wbits`."""

    _error = zlib.error

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)

    def _push(self, data: bytes) -> bytes:
        out = self._zlib.decompress(data or self._zlib.unconsumed_tail, PIECE)
        self.eof, self.rest = self._zlib.eof, self._zlib.unused_data
        self.more = len(out) == PIECE and not self.eof
        return out

    def again(self) -> Callable[[], Engine]:
        """Return what makes one more engine in the present state."""
        other = Inflate.__new__(Inflate)
        other._zlib = self._zlib.copy()
        return lambda: other


class Brotli(Engine):
    """One brotli stream; to the library, bytes behind its end are damage."""

    def __init__(self) -> None:
        self._error = _brotli().error
        self._brotli = _brotli().Decompressor()

    def _push(self, data: bytes) -> bytes:
        # The library rounds the limit up to whole buffers of its own: this one makes 32 KiB.
        out: bytes = self._brotli.process(data, output_buffer_limit=_LOSABLE // 4)
        self.eof = self._brotli.is_finished()
        # That it accepts more input does not mean that all the output has been given.
        self.more = not self.eof and (out != b"" or not self._brotli.can_accept_more_data())
        return out


class Zstd(Engine):
    """One zstd frame, which may be a skippable one."""

    def __init__(self) -> None:
        zstd, options = _zstd()
        self._error = zstd.ZstdError
        self._zstd = zstd.ZstdDecompressor(options=options)
        self._header = b""
        self._size = 0

    def _push(self, data: bytes) -> bytes:
        if len(self._header) < _ZSTD_HEADER:
            self._header += data[:_ZSTD_HEADER]
        out: bytes = self._zstd.decompress(data, _LOSABLE)
        self._size += len(out)
        self.eof, self.rest = self._zstd.eof, self._zstd.unused_data
        self.more = not self.eof and not self._zstd.needs_input
        if self.eof:
            self._check_size()
        return out

    def _check_size(self) -> None:
        # The library checks this too, but not behind an empty last block that comes by itself.
        promised = _zstd()[0].get_frame_info(self._header).decompressed_size
        if promised not in {None, self._size}:
            raise Corrupt(f"{self._size:,} bytes where its header says {promised:,}")


def has_brotli() -> bool:
    """Whether brotli is installed in a version that can bound its output, which only it can tell.

    It is imported for that, in a millisecond; httpx, if it was imported before, has done so too.
    """
    try:
        return _found("brotli") and hasattr(_brotli().Decompressor, "can_accept_more_data")
    except (ImportError, AttributeError):
        return False


def has_zstd() -> bool:
    """Whether a zstd library is installed; it is not imported."""
    return _found("_zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def _found(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # its package is missing, or it is a stand-in
        return False


@cache
def _brotli() -> Any:
    return import_module("brotli")


@cache
def _zstd() -> tuple[Any, dict[int, int]]:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    zstd = import_module(name)
    return zstd, {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
