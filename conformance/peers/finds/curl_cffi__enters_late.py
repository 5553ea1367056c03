"""curl_cffi enters a stream with the first body byte, and leaves it with the last (session-stream).

the head is sent
the first half is sent
entered
the second half is sent
left, nothing read
"""

import asyncio

from curl_cffi import AsyncSession  # type: ignore[import-not-found]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    for what, piece in (("head", HEAD), ("first half", b"abc"), ("second half", b"def")):
        print(f"the {what} is sent")
        writer.write(piece)
        await asyncio.sleep(1)
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with AsyncSession() as session:
        async with session.stream("GET", url):
            print("entered")
        print("left, nothing read")


asyncio.run(main())
