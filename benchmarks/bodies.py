"""What the server sends, built once from the query of a URL, and what must come out of it.

The server and the workers both import this module, so that a worker knows without asking how
many items a correct client finds. Nothing is random: the same query gives the same bytes.
"""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass
from functools import lru_cache

MIB = 1024 * 1024
EVENT_SIZE = 150
LINES_PER_EVENT = 2  # the data, and the empty line that ends the event

_HEAD = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: bench\r\n"
_PHRASES = (
    "The quick brown fox jumps over the lazy dog. ",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. ",
    "いろはにほへと ちりぬるを わかよたれそ つねならむ。",
    "😀 emoji and plain words together, as in a chat. 🎉\n",
)


@dataclass(frozen=True)
class Reply:
    """A response: `head`, then `block` so many `times`, then `tail`."""

    head: bytes
    block: bytes = b""
    times: int = 0
    tail: bytes = b""


def head(content_type: str, *fields: str) -> bytes:
    """Return a response head."""
    return "\r\n".join([f"{_HEAD}Content-Type: {content_type}", *fields, "", ""]).encode()


CHUNKED = "Transfer-Encoding: chunked"
LAST_CHUNK = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Frame `data` as one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event_data(number: int) -> str:
    """Return the data of an event: JSON, padded so that the whole event has 150 bytes."""
    token = {"id": f"chunk-{number % 1000:03}", "choices": [{"delta": {"content": "word "}}]}
    text = json.dumps({**token, "pad": ""})
    return text.replace('"pad": ""', f'"pad": "{"x" * (EVENT_SIZE - 8 - len(text))}"')


def event(number: int) -> bytes:
    """Return an event as it is sent, of 150 bytes."""
    return f"data: {event_data(number)}\n\n".encode()


@lru_cache
def events(count: int) -> Reply:
    """Return `count` events, one HTTP chunk each."""
    thousand = b"".join(chunk(event(number)) for number in range(1000))
    rest = b"".join(chunk(event(number)) for number in range(count % 1000))
    return Reply(head("text/event-stream", CHUNKED), thousand, count // 1000, rest + LAST_CHUNK)


@lru_cache
def plain(size: int) -> Reply:
    """Return `size` bytes that do not compress, with their length."""
    block = random.Random(0).randbytes(MIB)
    fields = head("application/octet-stream", f"Content-Length: {size}")
    return Reply(fields, block, size // MIB, block[: size % MIB])


def mixed_text() -> str:
    """Return about 64 KiB of text: ASCII, Latin, Cyrillic, Japanese and emoji in turn."""
    return "".join(_PHRASES) * 190


@lru_cache
def text(times: int) -> Reply:
    """Return `times` blocks of mixed text in UTF-8, with the length of the whole."""
    block = mixed_text().encode()
    length = f"Content-Length: {len(block) * times}"
    return Reply(head("text/plain; charset=utf-8", length), block, times)


@lru_cache
def records() -> bytes:
    """Return 1 MiB of JSON records, which gzip shrinks to a fourteenth."""
    draw = random.Random(1)
    lines: list[str] = []
    for number in range(13_000):
        price, name = draw.randrange(10**6), draw.choice(_PHRASES)[:20].strip()
        lines.append(json.dumps({"id": number, "price": price, "name": name, "ok": price % 2 == 0}))
    return "\n".join(lines).encode()[:MIB]


@lru_cache
def coded(coding: str, mebibytes: int) -> Reply:
    """Return so many times the records, compressed as one gzip member or one zstd frame."""
    block, times, tail = {"gzip": _gzip, "zstd": _zstd}[coding](mebibytes)
    length = len(block) * times + len(tail)
    fields = (f"Content-Encoding: {coding}", f"Content-Length: {length}")
    if coding == "gzip":
        fields = (fields[0], f"Content-Length: {length + len(_GZIP_HEAD)}")
        return Reply(head("application/json", *fields) + _GZIP_HEAD, block, times, tail)
    return Reply(head("application/json", *fields), block, times, tail)


_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def _gzip(times: int) -> tuple[bytes, int, bytes]:
    """One member: a full flush makes each block stand alone, so that it can be sent again."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(records()) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(times):
        crc = zlib.crc32(records(), crc)
    size = (len(records()) * times) % 2**32
    return block, times, packer.flush() + crc.to_bytes(4, "little") + size.to_bytes(4, "little")


def _zstd(times: int) -> tuple[bytes, int, bytes]:
    """One frame; level 1 looks back 512 KiB, so that a block is not found in the one before."""
    try:
        from compression.zstd import ZstdCompressor  # type: ignore[import-not-found,unused-ignore]  # 3.14
    except ImportError:
        from backports.zstd import ZstdCompressor
    packer = ZstdCompressor(level=1)
    return b"", 0, b"".join([*(packer.compress(records()) for _ in range(times)), packer.flush()])
