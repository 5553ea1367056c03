"""Print server-sent events as they arrive.

    python examples/events.py https://example.org/feed [LAST_EVENT_ID]

With an id the server is asked for what came after it.
"""

import argparse
import asyncio
import sys

import httpx

from fasthttp import AsyncSession, Security


async def main(url: str, last: str | None) -> None:
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    # The host that was named may be on this machine; no other address there is connected to.
    host = httpx.URL(url).raw_host.decode()
    named = Security(allow=[host] if host else [])
    # timeout=None: a feed may be silent for hours.
    async with (
        AsyncSession(security=named, timeout=None) as session,
        session.stream("GET", url, headers=headers) as response,
    ):
        response.raise_for_status()
        async for event in response.aiter_events():
            print(f"{event.event}, id {event.id!r}")
            print("".join(f"    {line}\n" for line in event.data.split("\n")), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print server-sent events as they arrive.")
    parser.add_argument("url")
    parser.add_argument("last", nargs="?", metavar="LAST_EVENT_ID")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(arguments.url, arguments.last))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        sys.exit(f"{arguments.url}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
