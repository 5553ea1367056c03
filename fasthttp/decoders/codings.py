"""The four content codings: which compressed streams may follow each other, and what may not.

gzip is a sequence of members, zero bytes behind one are ignored; zstd is a sequence of frames;
deflate, with or without zlib's wrapper, and br are one stream. Any other bytes behind them are
damage: to drop them would be to lose a part of the body without a word (bytes-gzip-rest).

The pieces that `feed()` yields are decoded as they are asked for. Damage raises `BodyError` after
all that could be decoded before it, but for up to 64 KiB of br, and of zstd beyond its first
16 KiB: those libraries keep to themselves what they had decoded when they fail.
"""

from collections.abc import Callable, Iterator
from typing import ClassVar

from fasthttp.decoders.engines import Brotli, Corrupt, Engine, Inflate, Zstd

# Input goes to an engine in steps, for what it does not take at once is copied with every piece.
_STEP = 16_384
_GZIP_MAGIC = b"\x1f\x8b"


class BodyError(ValueError):
    """The body is not what its Content-Encoding says: it is damaged or not finished."""


class Coding:
    """A sequence of compressed streams, each read by an engine of its own."""

    name: ClassVar[str]
    unit: ClassVar[str] = ""  # what one stream of several is called

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._replay = _Replay()
        self._held = b""  # too little to tell what it begins
        self._ended = 0  # streams read to their end
        self._decoded = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decode `chunk`, in pieces of 1 to 262,144 bytes."""
        for at in range(0, len(chunk), _STEP):
            data = self._held + chunk[at : at + _STEP]
            self._held = b""
            while data:
                engine = self._engine
                if engine is None:
                    data = self._begin(data)
                    continue
                self._replay.note(engine, data, self._decoded)
                try:
                    piece = engine.push(data)
                    while piece or engine.more:
                        if piece:
                            self._decoded += len(piece)
                            yield piece
                        piece = engine.push(b"") if engine.more else b""
                except Corrupt as error:
                    yield from self._lost()
                    raise self._damage(str(error)) from error
                data = self._end(engine) if engine.eof else b""

    def flush(self) -> Iterator[bytes]:
        """End the input; there is nothing left to yield, but the stream may be unfinished."""
        if self._engine is not None or self._held:
            where = f"inside {self.unit} {self._ended + 1}" if self.unit else "too early"
            raise BodyError(
                f"{self.name} stream ended {where} after {self._decoded:,} decoded bytes"
            )
        yield from ()

    def _begin(self, data: bytes) -> bytes:
        """Set the engine for the stream that `data` begins; return the data to give it."""
        raise NotImplementedError

    def _end(self, engine: Engine) -> bytes:
        self._engine, self._replay = None, _Replay()
        self._ended += 1
        return engine.rest

    def _lost(self) -> Iterator[bytes]:
        for piece in self._replay.lost(self._decoded):
            self._decoded += len(piece)
            yield piece

    def _damage(self, reason: str) -> BodyError:
        where = f" in {self.unit} {self._ended + 1}" if self.unit else ""
        after = f"after {self._decoded:,} decoded bytes"
        return BodyError(f"{self.name} stream is corrupt{where} {after}: {reason}")


class Gzip(Coding):
    """gzip, and its old name x-gzip (RFC 9110, 8.4.1.3)."""

    name = "gzip"
    unit = "member"

    def _begin(self, data: bytes) -> bytes:
        if self._ended:
            data = data.lstrip(b"\0")
            if data in {b"", _GZIP_MAGIC[:1]}:
                self._held = data
                return b""
            if not data.startswith(_GZIP_MAGIC):
                raise self._damage(f"{data[:16]!r} begins no member")
        self._engine = Inflate(31)
        return data


class Deflate(Coding):
    """zlib, or what some servers send instead: deflate without its wrapper."""

    name = "deflate"

    def _begin(self, data: bytes) -> bytes:
        if self._ended:
            raise self._damage(f"{data[:16]!r} behind the end")
        if len(data) < 2:
            self._held = data
            return b""
        # Deflate that begins like a zlib header would be a stored block whose padding is not zero.
        wrapped = data[0] & 0x8F == 8 and int.from_bytes(data[:2]) % 31 == 0
        self._engine = Inflate(15 if wrapped else -15)
        return data


class Br(Coding):
    """brotli (RFC 7932)."""

    name = "br"

    def _begin(self, data: bytes) -> bytes:
        if self._ended:
            # What the library says if they come together with the end.
            raise self._damage("brotli: decoder failed")
        self._engine = Brotli()
        return data


class Zst(Coding):
    """Zstandard (RFC 8878)."""

    name = "zstd"
    unit = "frame"

    def _begin(self, data: bytes) -> bytes:
        self._engine = Zstd()
        return data


class _Replay:
    """The latest input, to be gone through again byte by byte when an engine fails."""

    def __init__(self) -> None:
        self._again: Callable[[], Engine] | None = None
        self._decoded = 0  # how much had been decoded in the state that `_again` makes
        self._input: list[bytes] = []
        self._size = 0

    def note(self, engine: Engine, data: bytes, decoded: int) -> None:
        """Take note of `data` before the engine is given it."""
        if not self._input or self._size + len(data) > _STEP:
            self._again, self._decoded, self._input, self._size = engine.again(), decoded, [], 0
        self._input.append(data)
        self._size += len(data)

    def lost(self, decoded: int) -> Iterator[bytes]:
        """Yield what can be decoded beyond the first `decoded` bytes."""
        if self._again is None:
            return
        engine, skip = self._again(), decoded - self._decoded
        data = b"".join(self._input)
        try:
            for at in range(len(data)):
                piece = engine.push(data[at : at + 1])
                while piece or engine.more:
                    if skip < len(piece):
                        yield piece[skip:]
                    skip = max(skip - len(piece), 0)
                    piece = engine.push(b"") if engine.more else b""
        except Corrupt:
            return
