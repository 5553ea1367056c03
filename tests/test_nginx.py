"""`session.events()` on somebody else's server: nginx with nchan, which speaks EventSource.

Each message of a channel has an id there, and a reader that comes back with one as Last-Event-ID
is given what it missed. The server writes a line for every request that has ended to its standard
output: that is how the tests know that a connection is gone, and which id it came with.
"""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Self

import httpx
import pytest

from fasthttp import AsyncSession, ServerSentEvent, eventsource
from tests.support import until_error

PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin", "/opt/nginx/sbin")
MODULES = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/nginx/modules")
PATIENCE = 20

CONFIG = """
daemon off;
worker_processes 1;
pid nginx.pid;
{main}
events {{}}
http {{
  log_format ended '$uri $status $http_last_event_id';
  access_log /dev/stdout ended;
  client_body_temp_path client; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /publish {{ nchan_publisher; nchan_channel_id news; }}
    location = /events {{
      nchan_subscriber eventsource; nchan_channel_id news; nchan_subscriber_first_message oldest;
    }}
    location = /known {{
      nchan_subscriber eventsource; nchan_channel_id x; nchan_subscribe_existing_channels_only on;
    }}
    location = /packed {{
      gzip on; gzip_types text/event-stream; gzip_min_length 1; gzip_proxied any;
      proxy_pass http://127.0.0.1:{port}/events; proxy_buffering off;
    }}
    location = /cut {{
      proxy_pass http://127.0.0.1:{port}/events; proxy_buffering off; proxy_read_timeout 100ms;
    }}
    location = /over {{ return 204; }}
    location = /page {{ default_type text/html; return 200 '<p>'; }}
  }}
}}
"""


class Ended(NamedTuple):
    """A request that the server is done with."""

    path: str
    status: int
    last_id: str


class Nginx(AbstractAsyncContextManager["Nginx"]):
    """The server, on a port that stays its own when it is started again."""

    def __init__(self, binary: str, module: Path | None, folder: Path) -> None:
        self.binary, self.module, self.folder = binary, module, folder
        self.port = 0
        self.running: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it on a socket that listens already: who connects now waits until it is up."""
        with socket.create_server(("127.0.0.1", self.port)) as sock:
            self.port = sock.getsockname()[1]
            config = self.folder / "nginx.conf"
            config.write_text(CONFIG.format(main=self._main(), port=self.port))
            self.running = await asyncio.create_subprocess_exec(
                *(self.binary, "-p", str(self.folder), "-c", str(config), "-e", "error.log"),
                env={**os.environ, "NGINX": f"{sock.fileno()};"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                pass_fds=[sock.fileno()],
                start_new_session=True,
            )

    async def stop(self) -> None:
        """End it, and with it every connection."""
        process, self.running = self.running, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            # Its output ends when its workers have ended too.
            await asyncio.wait_for(process.communicate(), PATIENCE)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise

    async def ended(self, path: str) -> Ended:
        """Wait for the next request to `path` that has ended."""
        assert self.running is not None
        assert self.running.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.running.stdout.readline()).decode():
                found, status, last_id = line.split()
                if found == path:
                    return Ended(found, int(status), "" if last_id == "-" else last_id)
        raise AssertionError((self.folder / "error.log").read_text())

    def _main(self) -> str:
        lines = [] if self.module is None else [f"load_module {self.module};"]
        if not os.geteuid():
            lines.append(
                f"user {pwd.getpwuid(0).pw_name};"
            )  # else its workers may not read the folder
        return "\n".join(lines)


def found_binary() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *PLACES])
    binary = shutil.which("nginx", path=path)
    if binary is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")
    return binary


def found_module(binary: str) -> Path | None:
    done = subprocess.run([binary, "-V"], capture_output=True, text=True, check=True)
    options = done.stderr.split()
    if any(option.startswith("--add-module=") and "nchan" in option for option in options):
        return None
    named = [opt.partition("=")[2] for opt in options if opt.startswith("--modules-path=")]
    for folder in chain(named, MODULES):
        if (module := Path(folder) / "ngx_nchan_module.so").exists():
            return module
    pytest.skip("nginx's nchan module is not installed (Debian: libnginx-mod-nchan)")


@pytest.fixture
async def nginx(tmp_path: Path) -> AsyncIterator[Nginx]:
    binary = found_binary()
    async with Nginx(binary, found_module(binary), tmp_path) as nginx:
        yield nginx


@pytest.fixture
async def session(nginx: Nginx) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(base_url=nginx.url, timeout=PATIENCE, security=False) as session:
        yield session


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not say how long to wait, so it is next to nothing."""
    monkeypatch.setattr(eventsource, "DEFAULT_SECONDS", 0.01)
    monkeypatch.setattr(eventsource, "MAX_SECONDS", 0.1)


async def publish(session: AsyncSession, *messages: str) -> None:
    for message in messages:
        response = await session.post("/publish", content=message.encode())
        assert response.status_code in {201, 202}, response.text


@pytest.mark.parametrize("path", ["/events", "/packed", "/cut"])
async def test_messages(session: AsyncSession, path: str) -> None:
    """What is published comes out, as it is: at once, through a proxy and compressed too."""
    await publish(session, "one", "zwei\ndrei", " \U0001f600\u2028x")

    async with asyncio.timeout(PATIENCE), session.events(path) as events:
        got = [await anext(events) for _ in range(3)]
        await publish(session, "live")
        got.append(await anext(events))

    assert [event.data for event in got] == ["one", "zwei\ndrei", " \U0001f600\u2028x", "live"]
    assert len({event.id for event in got}) == 4


async def test_what_was_missed(nginx: Nginx, session: AsyncSession) -> None:
    """After a proxy has cut a silent stream, it goes on with the messages that were missed."""
    got: list[ServerSentEvent] = []
    came_with: list[str] = []

    async with asyncio.timeout(PATIENCE), session.events("/cut") as events:
        for turn in range(3):  # from the second on, nobody is connected when they are published
            await publish(session, f"{turn}, one", f"{turn}, two")
            got += [await anext(events), await anext(events)]
            came_with.append((await nginx.ended("/cut")).last_id)

    assert [event.data for event in got] == [
        f"{n}, {what}" for n in range(3) for what in ("one", "two")
    ]
    assert came_with == ["", got[1].id, got[3].id]


async def test_resumed_by_the_caller(session: AsyncSession) -> None:
    """A reader that begins with a Last-Event-ID is given what came after it."""
    await publish(session, "one", "two", "three")
    async with asyncio.timeout(PATIENCE), session.events("/events") as events:
        first = await anext(events)

    async with (
        asyncio.timeout(PATIENCE),
        session.events("/events", headers={"Last-Event-ID": first.id}) as events,
    ):
        assert [(await anext(events)).data for _ in range(2)] == ["two", "three"]


async def test_a_restart(nginx: Nginx, session: AsyncSession) -> None:
    """A stream outlives its server: while it is gone it is asked for, and then goes on."""
    async with asyncio.timeout(PATIENCE), session.events("/events", max_failures=None) as events:
        await publish(session, "before")
        before = await anext(events)
        await nginx.stop()
        waiting = asyncio.ensure_future(anext(events))
        second = int(before.id.partition(":")[0])
        # Ids begin with the second, and a server that starts anew does not know those it gave.
        while events._failures < 3 or time.time() < second + 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await nginx.start()
        await publish(session, "after")

        after = await asyncio.wait_for(waiting, PATIENCE)

    assert (before.data, after.data) == ("before", "after")
    assert (await nginx.ended("/events")).last_id == before.id


async def test_a_server_that_stays_away(nginx: Nginx, session: AsyncSession) -> None:
    """Where the server does not come back, the error of the last attempt is raised."""
    async with asyncio.timeout(PATIENCE), session.events("/events", max_failures=3) as events:
        await publish(session, "before")
        await anext(events)
        await nginx.stop()
        got, error = await until_error(events)

    assert (got, type(error)) == ([], httpx.ConnectError)


async def test_no_content(nginx: Nginx, session: AsyncSession) -> None:
    """A 204 ends the iteration."""
    async with asyncio.timeout(PATIENCE), session.events("/over") as events:
        assert [event async for event in events] == []


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("/nowhere", httpx.HTTPStatusError, "404"),
        ("/known", httpx.HTTPStatusError, "403"),
        ("/page", httpx.DecodingError, "text/html"),
    ],
)
async def test_refused(
    nginx: Nginx, session: AsyncSession, path: str, error: type[Exception], said: str
) -> None:
    """What will not change is raised at once."""
    async with asyncio.timeout(PATIENCE), session.events(path) as events:
        got, raised = await until_error(events)

    assert (got, type(raised)) == ([], error)
    assert said in str(raised)


async def test_leaving(nginx: Nginx, session: AsyncSession) -> None:
    """The server sees at once that its reader has left."""
    await publish(session, "one")
    async with asyncio.timeout(PATIENCE), session.events("/events") as events:
        await anext(events)

    assert await nginx.ended("/events") == Ended("/events", 499, "")  # its word for "went away"
