"""aiohttp waits for ever on a malformed chunk that comes after the head (body-framing-refused).

the client has closed the connection
three seconds later read() still waits
"""

import asyncio

import aiohttp


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.sleep(0.2)  # it has to come by itself
    writer.write(b"xyz\r\nhello\r\n0\r\n\r\n")
    await reader.read()
    print("the client has closed the connection")


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    timeout = aiohttp.ClientTimeout(sock_read=1)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        reading = asyncio.ensure_future(response.read())
        done, _ = await asyncio.wait([reading], timeout=3)
        print("it ends" if done else "three seconds later read() still waits")


asyncio.run(main())
