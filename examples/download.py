"""Download a file, with a progress display on a terminal.

    python examples/download.py https://example.org/large.iso [FILE]

The file gets its name when every byte is there; until then it is called FILE.part.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from fasthttp import AsyncSession, Security

Report = Callable[[int, int | None], None]


class Progress:
    """One line on a terminal, drawn at most ten times a second; elsewhere nothing."""

    def __init__(self) -> None:
        self.started = self.drawn = time.perf_counter()
        self.line = ""

    def __call__(self, done: int, total: int | None) -> None:
        now = time.perf_counter()
        self.line = f"{amount(done, total)}  {done / 1e6 / (now - self.started):.1f} MB/s"
        if now - self.drawn >= 0.1:
            self.drawn = now
            self.draw()

    def draw(self, end: str = "") -> None:
        if sys.stderr.isatty():
            print(f"\r{self.line:<60}", end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        self.draw("\n")


def amount(done: int, total: int | None) -> str:
    if not total:
        return f"{done / 1e6:.1f} MB"
    return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB {done / total:4.0%}"


async def download(session: AsyncSession, url: str, file: BinaryIO, report: Report) -> None:
    """Write what `url` has to `file`, one chunk in memory at a time.

    `report` is told how many bytes have come over the network, and how many there will be.
    """
    async with session.stream("GET", url) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length")
        async for chunk in response.aiter_bytes():
            file.write(chunk)
            report(response.num_bytes_downloaded, int(length) if length else None)


async def fetch(url: str, file: BinaryIO) -> None:
    progress = Progress()
    # The host that was named may be on this machine; no other address there is connected to.
    host = httpx.URL(url).raw_host.decode()
    named = Security(allow=[host] if host else [])
    async with AsyncSession(security=named, timeout=60.0, follow_redirects=True) as session:
        await download(session, url, file, progress)
    progress.end()


def main(url: str, name: str) -> None:
    part, started = Path(f"{name}.part"), time.perf_counter()
    try:
        with part.open("wb") as file:
            asyncio.run(fetch(url, file))
        size, seconds = part.stat().st_size, time.perf_counter() - started
        part.replace(name)
    finally:
        part.unlink(missing_ok=True)
    print(f"{name}: {size:,} bytes in {seconds:.2f} s, {size / 1e6 / seconds:.1f} MB/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Download a file.")
    parser.add_argument("url")
    parser.add_argument("file", nargs="?", help="default: the last part of the URL's path")
    arguments = parser.parse_args()
    try:
        last = httpx.URL(arguments.url).path.rpartition("/")[2]
        main(arguments.url, arguments.file or last or "download")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.exit(f"{arguments.url}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
