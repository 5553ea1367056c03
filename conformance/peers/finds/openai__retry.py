"""One `retry:` block ends a chat of the openai package (events-no-data).

JSONDecodeError: Expecting value: line 1 column 1 (char 0)
"""

import asyncio

import openai  # type: ignore[import-not-found]

EVENTS = b'retry: 3000\n\ndata: {"id": "1"}\n\ndata: [DONE]\n\n'
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD + EVENTS)
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    chat = openai.AsyncOpenAI(base_url=url, api_key="none").chat.completions
    try:
        async for chunk in await chat.create(model="none", messages=[], stream=True):
            print(chunk.id)
    except ValueError as error:
        print(f"{type(error).__name__}: {error}")


asyncio.run(main())
