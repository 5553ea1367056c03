"""httpx reads zstd only where it is the only coding named (bytes-coding-list).

zstd: b'hello'
identity,zstd: DecodingError('cannot use a decompressobj multiple times')
"""

import asyncio

import httpx
import zstandard  # type: ignore[import-not-found]

HEAD = b"HTTP/1.0 200 OK\r\nContent-Encoding: %s\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
    writer.write(HEAD % path[1:] + zstandard.compress(b"hello"))
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with httpx.AsyncClient() as client:
        for coding in ("zstd", "identity,zstd"):
            try:
                print(f"{coding}:", (await client.get(url + coding)).content)
            except httpx.DecodingError as error:
                print(f"{coding}:", repr(error))


asyncio.run(main())
