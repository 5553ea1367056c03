"""Proxies: which one is taken, and how it is talked to."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import trustme

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession
from fasthttp.proxies import Proxies
from tests.support import cancelled_at, engine_of

pytest_plugins = ["tests.fixtures"]

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


class Proxy:
    """Answers requests for whole URLs by itself, and makes tunnels; keeps the heads it got."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.refusal = b""
        self.silent = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                if self.silent:
                    await reader.read()
                elif self.refusal:
                    writer.write(self.refusal)
                elif head.startswith(b"CONNECT "):
                    await self.tunnel(head.split()[1].decode(), reader, writer)
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def tunnel(
        self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        host, _, port = target.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, back), copy(there, writer))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_plain_requests_name_the_whole_url(proxy: Proxy) -> None:
    """An http URL is asked of the proxy as a whole, without user and fragment, Host its own."""
    async with AsyncSession(proxy=proxy.url, security=False) as session:
        for _ in range(2):
            response = await session.get("http://user:pw@origin.test:81/a%2Fb?q#top")
            assert (response.content, response.url.host) == (b"proxy", "origin.test")
        assert len(engine_of(session)._connector._conns) == 1

    first, *headers = proxy.heads[0].decode().split("\r\n")
    assert first == "GET http://origin.test:81/a%2Fb?q HTTP/1.1"
    assert [line for line in headers if line.lower().startswith("host")] == ["Host: origin.test:81"]


async def test_credentials_of_the_proxy(proxy: Proxy) -> None:
    """User and password of the proxy's URL go to the proxy, once, and into no message."""
    url = f"http://user:p%40ss@127.0.0.1:{proxy.port}"
    async with AsyncSession(proxy=url, security=False) as session:
        for _ in range(2):
            await session.get("http://origin.test/")

    for head in proxy.heads:
        lines = head.decode().lower().split("\r\n")
        assert sorted(line for line in lines if line.startswith(("host", "proxy"))) == [
            "host: origin.test",
            "proxy-authorization: basic dxnlcjpwqhnz",
        ]


async def test_tls_goes_through_a_tunnel(
    proxy: Proxy, secure: str, trusted: ssl.SSLContext
) -> None:
    """An https URL is reached through a tunnel, which is used again."""
    url = f"http://user:pw@127.0.0.1:{proxy.port}"
    async with AsyncSession(proxy=url, verify=trusted, security=False) as session:
        for _ in range(2):
            assert (await session.get(secure)).content == b"ok"

    (head,) = proxy.heads
    assert head.startswith(b"CONNECT localhost:")
    assert b"\r\nProxy-Authorization: Basic dXNlcjpwdw==\r\n" in head


async def test_a_tunnel_is_refused(proxy: Proxy, secure: str) -> None:
    """A proxy that makes no tunnel is a ProxyError that says why."""
    proxy.refusal = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"

    async with AsyncSession(proxy=proxy.url, security=False) as session:
        with pytest.raises(httpx.ProxyError) as caught:
            await session.get(secure)
        assert not engine_of(session)._connector._acquired

    port = secure.rpartition(":")[2].strip("/")
    assert str(caught.value) == (
        f"cannot connect to localhost:{port} by way of proxy {proxy.url}: 407 Who are you"
    )
    assert caught.value.request.url == secure


async def test_a_tunnel_takes_too_long(proxy: Proxy, secure: str) -> None:
    """A proxy that does not answer is a ConnectTimeout that names it."""
    proxy.silent = True

    async with AsyncSession(proxy=proxy.url, security=False) as session:
        with pytest.raises(httpx.ConnectTimeout, match=rf"by way of proxy {proxy.url} within 0.1"):
            await session.get(secure, timeout=0.1)
        assert not engine_of(session)._connector._acquired


async def test_cancelled_amid_a_tunnel(proxy: Proxy, secure: str) -> None:
    """A call that is cancelled while its tunnel is made leaves nothing behind."""
    async with AsyncSession(proxy=proxy.url, verify=False, timeout=10, security=False) as session:
        engine = engine_of(session)
        for point in range(1, 100):
            if not await cancelled_at(point, 2, session.get(secure)):
                break
            assert not engine._live
            assert not engine._connector._acquired
        assert (await session.get(secure)).content == b"ok"

    assert 3 < point < 100


async def test_no_proxy_is_there() -> None:
    """A proxy that cannot be reached is a ProxyError that names it, not its password."""
    async with AsyncSession(proxy="http://user:secret@127.0.0.1:9", security=False) as session:
        with pytest.raises(httpx.ProxyError) as caught:
            await session.get("http://origin.test/")

    assert str(caught.value).startswith(
        "cannot connect to origin.test:80 by way of proxy http://127.0.0.1:9: "
    )


async def test_a_proxy_that_speaks_nonsense(proxy: Proxy, secure: str) -> None:
    """What is no answer to CONNECT is one of httpx's errors too."""
    proxy.refusal = b"SSH-2.0-OpenSSH_9.9\r\n\r\n"

    async with AsyncSession(proxy=proxy.url, security=False) as session:
        with pytest.raises(httpx.TransportError, match=r"^cannot connect to localhost:"):
            await session.get(secure)


async def test_the_environment(proxy: Proxy, tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is taken when the session is made, except for hosts in NO_PROXY."""
    played = tape.play(Reply(body=b"direct"), Delivery("content-length"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", f"other.test,127.0.0.1:{tape.port}")

    async with AsyncSession(security=False) as session:
        assert (await session.get("http://origin.test/")).content == b"proxy"
        assert (await session.get(played.url)).content == b"direct"


@pytest.mark.parametrize(
    ("environment", "url", "chosen"),
    [
        ({"http_proxy": "http://a:1"}, "http://x.test/", "http://a:1"),
        ({"http_proxy": "http://a:1"}, "https://x.test/", None),
        ({"HTTPS_PROXY": "a:1"}, "https://x.test/", "http://a:1"),
        ({"ALL_PROXY": "http://a:1"}, "https://x.test/", "http://a:1"),
        ({"ALL_PROXY": "http://a:1", "HTTP_PROXY": "http://b:2"}, "http://x.test/", "http://b:2"),
        ({"ALL_PROXY": "x:", "HTTP_PROXY": "a:1", "HTTPS_PROXY": "b:2"}, "http://x.test/", "http://a:1"),
        ({"HTTP_PROXY": "a:1", "NO_PROXY": "*"}, "http://x.test/", None),
        ({"HTTP_PROXY": "a:1", "NO_PROXY": "y.test, x.test"}, "http://x.test/", None),
        ({"HTTP_PROXY": "a:1", "NO_PROXY": "test"}, "http://x.test/", None),
        ({"HTTP_PROXY": "a:1", "NO_PROXY": "x.test:81"}, "http://x.test:81/", None),
        ({"HTTP_PROXY": "a:1", "NO_PROXY": "x.test:81"}, "http://x.test/", "http://a:1"),
        ({"HTTP_PROXY": "a:1", "NO_PROXY": "::1"}, "http://[::1]/", None),
        ({}, "http://x.test/", None),
    ],
)  # fmt: skip
def test_which_proxy(
    environment: dict[str, str], url: str, chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables mean what they mean to httpx and to the standard library."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Proxies(None).of(httpx.URL(url)) == chosen


def test_a_proxy_given_is_always_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is given counts for every URL, whatever the environment says."""
    monkeypatch.setenv("NO_PROXY", "*")

    assert Proxies("https://p:1").of(httpx.URL("http://x.test/")) == "https://p:1"


@pytest.mark.parametrize(
    ("proxy", "shown"),
    [
        ("socks5://user:secret@s:1", "proxy 'socks5://s:1' must be an http:// or https:// URL"),
        ("http://", "proxy 'http://' must be an http:// or https:// URL with a host"),
        ("http://s:port", "the proxy's URL cannot be right: Invalid port: 'port'"),
    ],
)
def test_a_proxy_that_cannot_be(proxy: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be a proxy is refused when the session is made, its password not shown."""
    with pytest.raises(ValueError, match=r"prox") as caught:
        AsyncSession(proxy=proxy, security=False)
    assert str(caught.value).startswith(shown)
    assert "secret" not in str(caught.value)

    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(ValueError, match=r"prox"):
        AsyncSession(security=False)
