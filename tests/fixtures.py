"""Servers to talk to, and an open session; for modules that name this file in `pytest_plugins`."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator

import pytest
import trustme

from conformance.tape import Tape
from fasthttp import AsyncSession


@pytest.fixture
def tape() -> Iterator[Tape]:
    with Tape() as tape:
        yield tape


@pytest.fixture
async def session(tape: Tape) -> AsyncIterator[AsyncSession]:
    """Its base_url is the tape's, so that an exchange's path is enough."""
    async with AsyncSession(base_url=tape.url, timeout=10, security=False) as session:
        yield session


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def secure(authority: trustme.CA) -> AsyncIterator[str]:
    """An HTTPS server that says ok, on connections that stay; to /held not all of it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            while await reader.readline() != b"\r\n":
                pass
            length = 3 if b" /held " in line else 2
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nok" % length)
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/"
