"""`session.events()` on somebody else's server: sse-starlette under uvicorn, in its own process."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from fasthttp import AsyncSession
from tests.support import until_error

ROOT = Path(__file__).parent.parent
PYTHONS = (sys.executable, str(ROOT / ".venv-record/bin/python"))
PATIENCE = 20


def python_with_servers() -> str:
    """An interpreter that has the packages of the group `record`, which the tests have not."""
    for python in PYTHONS:
        command = [python, "-c", "import sse_starlette, uvicorn"]
        if Path(python).exists():
            done = subprocess.run(command, capture_output=True, check=False)
            if not done.returncode:
                return python
    pytest.skip("sse-starlette and uvicorn are not installed (`make record` does it)")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    python = python_with_servers()
    with socket.create_server(("127.0.0.1", 0)) as sock:  # who connects waits until it is up
        port, options = sock.getsockname()[1], ["--log-level", "warning", "--loop", "asyncio"]
        process = subprocess.Popen(
            [python, "-m", "uvicorn", "--fd", str(sock.fileno()), *options, "tests.event_app:app"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[sock.fileno()],
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()


@pytest.fixture
async def session(url: str) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(base_url=url, timeout=PATIENCE, security=False) as session:
        yield session


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_over_several_connections(session: AsyncSession, end: str) -> None:
    """A stream that ends every three events is read on to its 204, each event once."""
    async with asyncio.timeout(PATIENCE), session.events(f"/some?sep={quote(end)}") as events:
        got = [event async for event in events]

    assert [(event.event, event.data, event.id) for event in got] == [
        ("number", str(number), str(number)) for number in range(1, 8)
    ]
    assert {event.retry for event in got} == {1}


async def test_asked_by_post(session: AsyncSession) -> None:
    """Each connection brings the content again."""
    async with (
        asyncio.timeout(PATIENCE),
        session.events("/some", method="POST", content=b"!") as events,
    ):
        got = [event.data async for event in events]

    assert got == [f"{number}!" for number in range(1, 8)]


async def test_only_one_connection(session: AsyncSession) -> None:
    """With `reconnect=False` the first end is the end; the caller's Last-Event-ID counts."""
    headers = {"Last-Event-ID": "3"}

    async with (
        asyncio.timeout(PATIENCE),
        session.events("/some", headers=headers, reconnect=False) as events,
    ):
        got = [event.data async for event in events]

    assert got == ["4", "5", "6"]


async def test_leaving(session: AsyncSession) -> None:
    """An endless stream is left in the middle, and the server knows it."""
    async with asyncio.timeout(PATIENCE), session.events("/endless") as events:
        assert [(await anext(events)).data for _ in range(1000)][-1] == "1000"

    assert (await session.get("/gone")).text == "gone"


async def test_refused(session: AsyncSession) -> None:
    """What is not there is raised at once."""
    async with asyncio.timeout(PATIENCE), session.events("/nowhere") as events:
        got, error = await until_error(events)

    assert (got, type(error)) == ([], httpx.HTTPStatusError)
