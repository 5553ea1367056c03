"""httpx hides a refusal behind a write timeout (session-response-early).

WriteTimeout after 2 s, the 413 unread
"""

import asyncio
import time

import httpx

HEAD = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"

kept: list[asyncio.StreamWriter] = []


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD + b"too large")
    kept.append(writer)  # the connection stays, and nobody reads on


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    began = time.monotonic()
    async with httpx.AsyncClient(timeout=2) as client:
        try:
            response = await client.post(url, content=bytes(50_000_000))
            print(response.status_code, response.text)
        except httpx.HTTPError as error:
            kind, seconds = type(error).__name__, time.monotonic() - began
            print(f"{kind} after {seconds:.0f} s, the 413 unread")


asyncio.run(main())
