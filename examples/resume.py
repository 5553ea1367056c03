"""Download a file; where the connection breaks, go on from there.

    python examples/resume.py https://example.org/large.iso FILE [--sha256 HEX]

The file gets its name when every byte is there, and its checksum is right; until then it is called
FILE.part.
"""

import argparse
import asyncio
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import httpx

from fasthttp import AsyncSession, BlockedAddress, Security

ATTEMPTS = 5
Report = Callable[[int, int | None], None]


def ignore(done: int, total: int | None) -> None:
    pass


def rest(file: BinaryIO, tag: str | None) -> dict[str, str]:
    """The headers that ask for what is missing, provided that it is still the same file."""
    # Of a compressed body a Range would count the compressed bytes.
    headers = {"Accept-Encoding": "identity"}
    if tag and not tag.startswith("W/") and file.tell():
        headers |= {"Range": f"bytes={file.tell()}-", "If-Range": tag}
    return headers


def place(response: httpx.Response, file: BinaryIO) -> int | None:
    """Make ready to write where the body belongs; return how long the file will be, if known."""
    if response.status_code == 206:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {file.tell()}-"):
            raise ValueError("this is not the part that was asked for")
    else:
        file.seek(0)
        file.truncate()
    length = response.headers.get("Content-Length")
    return None if length is None else file.tell() + int(length)


async def download(
    session: AsyncSession, url: str, file: BinaryIO, report: Report = ignore, wait: float = 1.0
) -> None:
    """Write what `url` has to `file`; `report` is told how much is there, and of how much."""
    tag = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with session.stream("GET", url, headers=rest(file, tag)) as response:
                response.raise_for_status()
                total, tag = place(response, file), response.headers.get("ETag")
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
                    report(file.tell(), total)
                return
        except httpx.TransportError as error:
            if attempt == ATTEMPTS or isinstance(error, BlockedAddress):
                raise
            await asyncio.sleep(wait * attempt)


def checksum(file: BinaryIO) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


async def fetch(url: str, file: BinaryIO) -> None:
    # The host that was named may be on this machine; no other address there is connected to.
    host = httpx.URL(url).raw_host.decode()
    named = Security(allow=[host] if host else [])
    async with AsyncSession(security=named, follow_redirects=True) as session:
        await download(session, url, file)


def main(url: str, name: str, expected: str | None) -> None:
    part = Path(f"{name}.part")
    with part.open("w+b") as file:
        asyncio.run(fetch(url, file))
        found = checksum(file)
    if expected not in {None, found}:
        raise ValueError(f"the checksum is {found}, not {expected}")
    part.replace(name)
    print(found, name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Download a file, over as many connections.")
    parser.add_argument("url")
    parser.add_argument("file")
    parser.add_argument("--sha256", help="what the file must have")
    arguments = parser.parse_args()
    try:
        main(arguments.url, arguments.file, arguments.sha256)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.exit(f"{arguments.url}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
