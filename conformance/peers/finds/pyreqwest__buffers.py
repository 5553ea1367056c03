"""pyreqwest reads 64 KiB of a stream before its block is entered (session-stream).

entered after 8 of 20 pieces
"""

import asyncio
import os

from pyreqwest.client import ClientBuilder  # type: ignore[import-not-found]

sent = 0


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    global sent  # noqa: PLW0603 - a short program
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(20):
        writer.write(bytes(8192))
        sent += 1
        await asyncio.sleep(0.25)


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with ClientBuilder().build() as client, client.get(url).build_streamed():
        print(f"entered after {sent} of 20 pieces", flush=True)
        os._exit(0)  # what follows is not the point


asyncio.run(main())
