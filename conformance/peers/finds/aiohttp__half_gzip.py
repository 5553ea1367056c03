"""aiohttp takes half of a gzip body for all of it (bytes-coding-truncated).

200 11 of 14000 bytes, and no error
"""

import asyncio
import gzip

import aiohttp

BODY = gzip.compress(b"one\ntwo\nthree\n" * 1000)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    half = BODY[: len(BODY) // 2]
    writer.write(HEAD + b"%x\r\n%s\r\n0\r\n\r\n" % (len(half), half))


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        print(response.status, len(await response.read()), "of 14000 bytes, and no error")


asyncio.run(main())
