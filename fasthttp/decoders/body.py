"""Content codings undone, also several on top of each other.

`feed(chunk)` and `flush()` return iterators that decode as they are read: no piece is empty or
longer than 256 KiB, so memory stays flat whatever the ratio. Read each to its end before the next
call. What can be decoded comes out at once; `flush()` only has the error of a stream that is not
finished. A body without a byte is no error. `codings` says what each coding takes and refuses.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Protocol

from fasthttp.decoders.codings import BodyError, Br, Coding, Deflate, Gzip, Zst
from fasthttp.decoders.engines import has_brotli, has_zstd

__all__ = [
    "ACCEPT_ENCODING",
    "BodyDecoder",
    "BodyError",
    "UnknownCoding",
    "codings_of",
    "decoder_for",
]

_MOST_CODINGS = 5

_CODINGS: dict[str, type[Coding]] = {"gzip": Gzip, "deflate": Deflate}
if has_brotli():
    _CODINGS["br"] = Br
if has_zstd():
    _CODINGS["zstd"] = Zst

ACCEPT_ENCODING = ", ".join(_CODINGS)
"""The codings that can be undone here, as the value of an Accept-Encoding header."""


class UnknownCoding(BodyError):  # noqa: N818 - a kind of BodyError, named after its reason
    """The body has a content coding that cannot be undone here."""


class BodyDecoder(Protocol):
    """Undoes one content coding, or a list of them."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decode `chunk`, in pieces of 1 to 262,144 bytes; raises `BodyError` at damage."""

    def flush(self) -> Iterator[bytes]:
        """End the input; raises `BodyError` if the compressed stream is not finished."""


def codings_of(values: Iterable[str]) -> list[str]:
    """Return the codings in the values of all Content-Encoding lines, in order, in lower case."""
    tokens = (token.strip().lower() for value in values for token in value.split(","))
    return [token for token in tokens if token]


def decoder_for(codings: Sequence[str]) -> BodyDecoder | None:
    """Return what undoes `codings`, the last first, or None if none but "identity" is among them.

    Raises:
        UnknownCoding: one of them is not supported, or its library is not installed.
        BodyError: there are more than 5.
    """
    names = [name for name in codings if name not in {"", "identity"}]
    if len(names) > _MOST_CODINGS:
        raise BodyError(f"{len(names)} content codings, at most {_MOST_CODINGS} are undone")
    decoders: list[BodyDecoder] = [_coding(name) for name in reversed(names)]
    return reduce(_Chain, decoders) if decoders else None


def _coding(name: str) -> Coding:
    coding = _CODINGS.get("gzip" if name == "x-gzip" else name)
    if coding is not None:
        return coding()
    reason = f"needs fasthttp[{name}]" if name in {"br", "zstd"} else "is not supported"
    raise UnknownCoding(f"content coding {name!r} {reason}; supported are {ACCEPT_ENCODING}")


class _Chain:
    def __init__(self, outer: BodyDecoder, inner: BodyDecoder) -> None:
        self._outer = outer
        self._inner = inner

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        for piece in self._outer.feed(chunk):
            yield from self._inner.feed(piece)

    def flush(self) -> Iterator[bytes]:
        for piece in self._outer.flush():
            yield from self._inner.feed(piece)
        yield from self._inner.flush()
