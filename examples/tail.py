"""Follow a log: print each line as soon as it is complete.

    python examples/tail.py https://example.org/service.log [--lines 20]

A line that is a JSON object is printed as `key=value` pairs, any other as it is.
"""

import argparse
import asyncio
import json
import os
import sys

import httpx

from fasthttp import AsyncSession, Security


def readable(line: str) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict):
        return line
    return " ".join(f"{key}={value}" for key, value in record.items())


async def main(url: str, lines: int | None) -> None:
    # The host that was named may be on this machine; no other address there is connected to.
    host = httpx.URL(url).raw_host.decode()
    named = Security(allow=[host] if host else [])
    # timeout=None: a log may be silent for hours.
    async with (
        AsyncSession(security=named, timeout=None) as session,
        session.stream("GET", url) as response,
    ):
        response.raise_for_status()
        seen = 0
        async for line in response.aiter_lines():
            print(readable(line), flush=True)
            seen += 1
            if seen == lines:
                break  # leaving the block cuts the connection: the rest is never read


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the lines of a log as they arrive.")
    parser.add_argument("url")
    parser.add_argument("--lines", type=int, help="stop after so many")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(arguments.url, arguments.lines))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.exit(f"{arguments.url}: {error}")
    except BrokenPipeError:
        # `| head` has seen enough; there is nothing left to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(130)
