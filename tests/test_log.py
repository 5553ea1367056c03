"""What is logged of an exchange, and what no log line, message or repr tells."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, Security, urls

pytest_plugins = ["tests.fixtures"]

SIZED = Delivery("content-length")
USER, PASSWORD, VALUE, TOKEN = "alice-u", "hunter2-p", "s3cr3t-q", "t0ken-h"
SECRETS = (USER, PASSWORD, VALUE, TOKEN)
LOCAL = Security(allow=["127.0.0.1"])


def tells(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="fasthttp")
    return caplog


def texts(lines: pytest.LogCaptureFixture) -> list[str]:
    """The lines of the library, without their times."""
    own = [line for line in lines.records if line.name == "fasthttp"]
    assert {line.levelname for line in own} <= {"DEBUG"}
    return [line.getMessage().rsplit(" ", 2)[0] for line in own]


# the line


async def test_one_line_for_each_exchange(
    tape: Tape, session: AsyncSession, lines: pytest.LogCaptureFixture
) -> None:
    """Method, URL, status and bytes, once, when the response is closed: read, left or repeated."""
    played = tape.play(Reply(404, body=b"0123456789"), SIZED, path="/a?q=1")
    url = f"{tape.url}/a?q=***"

    await session.get(played.url)
    assert texts(lines) == [f"GET {url} 404, 10 bytes in"]
    async with session.stream("POST", played.url) as response:
        assert len(texts(lines)) == 1
        await response.aread()
    await response.aclose()
    assert texts(lines)[1:] == [f"POST {url} 404, 10 bytes in"]
    async with session.stream("GET", played.url) as response:
        pass
    assert texts(lines)[2:] == [f"GET {url} 404, 0 bytes in"]


async def test_redirects_have_their_own(tape: Tape, lines: pytest.LogCaptureFixture) -> None:
    """Each hop of a redirect is an exchange."""
    last = tape.play(Reply(body=b"x"), SIZED)
    first = tape.play(Reply(302, (("Location", f"{last.path}?q=1"),)), SIZED)
    tape.play(Reply(body=b"x"), SIZED, path=f"{last.path}?q=1")
    async with AsyncSession(follow_redirects=True, security=False) as session:
        await session.get(first.url)

    assert texts(lines) == [
        f"GET {first.url} 302, 0 bytes in",
        f"GET {last.url}?q=*** 200, 1 bytes in",
    ]


async def test_failures_have_one_too(
    tape: Tape, session: AsyncSession, lines: pytest.LogCaptureFixture
) -> None:
    """An exchange without a response is logged with the kind of its error; a cancelled one, too."""
    refused = "http://127.0.0.1:1/"
    with pytest.raises(httpx.ConnectError):
        await session.get(refused)
    silent = tape.play(Reply(), Delivery(silent=True))
    with pytest.raises(httpx.ReadTimeout):
        await session.get(silent.url, timeout=0.05)
    waiting = asyncio.create_task(session.get(silent.url))
    await asyncio.to_thread(silent.wait_request, n=2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with AsyncSession() as guarded:
        with pytest.raises(httpx.ConnectError):
            await guarded.get(refused)

    assert [text.split()[2] for text in texts(lines)] == [
        "ConnectError",
        "ReadTimeout",
        "CancelledError",
        "BlockedAddress",
    ]
    assert texts(lines)[0] == f"GET {refused} ConnectError after"


async def test_other_transports(lines: pytest.LogCaptureFixture) -> None:
    """A response that comes closed and read is logged nevertheless, and just once."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"abc"))
    async with AsyncSession(transport=transport) as session:
        await session.get("http://a.test/")

    assert len(texts(lines)) == 1


async def test_off(tape: Tape, session: AsyncSession, caplog: pytest.LogCaptureFixture) -> None:
    """Above DEBUG nothing is written, and nothing put together."""
    caplog.set_level(logging.INFO, logger="fasthttp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "shown", None)
        await session.get(tape.play(Reply()).url)

    assert texts(caplog) == []


# URLs without secrets


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/a?q=1&r=&s", "http://h/a?q=***&r=***&***"),
        ("http://u:p@h:81/a", "http://***@h:81/a"),
        ("http://u@h/@b?x=y", "http://***@b?x=***"),  # rather too much
        ("http://u:a?b=c@h/", "http://***"),
        ("http://u:a#b@h/", "http://***"),
        ("//u:p@h/x", "//***@h/x"),
        ("u:p@h", "u:***@h"),
        ("/a?b=c=d#e=f", "/a?b=***"),
        ("a#token=x", "a?token=***"),
        ("", ""),
    ],
)
def test_texts(url: str, shown: str) -> None:
    """What may be no URL at all is shown without what may be a secret in it."""
    assert urls.shown(url).removesuffix("#e=f") == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@h:81/@a?q=1", "http://h:81/@a?q=***"),
        ("http://h/a#token=x", "http://h/a"),
        ("http://h/?", "http://h/?***"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    """A URL that was understood is shown exactly without user, values and fragment."""
    assert urls.shown(httpx.URL(url)) == shown


# messages and reprs


def secret_url(url: str) -> str:
    scheme, rest = url.split("://")
    return f"{scheme}://{USER}:{PASSWORD}@{rest}?token={VALUE}"


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:1/", "http://127.0.0.2/", "http://127.0.0.1:port/", "http://[::1/"),
        *("http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http:///x", "ftp://127.0.0.1/"),
        *("http://127.0.0.1/\n", "http://127.0.0.1\\", "http://127.0.0.1%41/", "http://é\u200b/"),
        *("http://pass?word@127.0.0.1/", "http://pass#word@127.0.0.1/", "http://nobody.invalid/"),
    ],
)
async def test_messages_about_urls(url: str, lines: pytest.LogCaptureFixture) -> None:
    """No error about a URL, as base_url, in a call or of a proxy, tells its secrets."""
    told: list[str] = []

    async def ask(**options: Any) -> None:
        try:
            async with AsyncSession(security=LOCAL, timeout=5, **options) as session:
                await session.get("http://127.0.0.2/" if options else secret_url(url))
        except (ValueError, httpx.HTTPError, httpx.InvalidURL) as exc:
            chain: BaseException | None = exc
            while chain is not None:
                told.append(f"{chain} {chain!r}")
                chain = chain.__cause__ if chain.__suppress_context__ else chain.__context__

    await ask()
    assert told
    await ask(base_url=secret_url(url))
    await ask(proxy=secret_url(url))
    told += texts(lines)

    assert [text for text in told if tells(text)] == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}\n"},
        {"Authorization": f" {TOKEN}"},
        {"Authorization": f"{TOKEN}é"},
        {"Authorization": TOKEN.encode()},
        {f"Authorization: {TOKEN}": ""},
        {"Cookie": [TOKEN]},
    ],
)
def test_messages_about_headers(headers: dict[str, Any]) -> None:
    """The error for a header that is refused has its name, and not its value."""
    with pytest.raises((ValueError, TypeError)) as caught:
        AsyncSession(headers=headers)

    assert next(iter(headers)).partition(":")[0] in str(caught.value)
    assert tells(str(caught.value)) == []


@pytest.mark.parametrize(
    "location",
    [
        *(f"ftp://{USER}:{PASSWORD}@h/?q={VALUE}", f"http://{USER}:{PASSWORD}@h/?q={VALUE}"),
        *(f"http://[::1/?q={VALUE}", f"http://{USER}:{PASSWORD}x@h:p/?q={VALUE}"),
        f"/loop?q={VALUE}",
    ],
)
async def test_messages_about_redirects(tape: Tape, location: str) -> None:
    """A redirect that is not followed is named without its secrets; so is a bad status."""
    played = tape.play(Reply(302, (("Location", location),)), SIZED, path=f"/loop?q={VALUE}")
    async with AsyncSession(security=LOCAL, follow_redirects=True, timeout=5) as session:
        with pytest.raises(httpx.RequestError) as caught:
            await session.get(played.url)
    async with AsyncSession(security=LOCAL, timeout=5) as session:
        response = await session.get(played.url)
        with pytest.raises(httpx.HTTPStatusError, match=r"302 OK") as status:
            response.raise_for_status()

    assert tells(f"{caught.value} {status.value}") == []


async def test_reprs(tape: Tape) -> None:
    """Session, stream and response show where they belong, and no secret."""
    base = f"http://{USER}:{PASSWORD}@127.0.0.1:{tape.port}"
    headers = {"Authorization": TOKEN}
    session = AsyncSession(base_url=base, headers=headers, security=LOCAL)
    assert repr(session) == f"<AsyncSession base_url='{tape.url}' closed>"
    played = tape.play(Reply(), path=f"/a?q={VALUE}")
    async with session:
        assert repr(session).endswith(" open>")
        context = session.stream("get", played.path)
        assert repr(context) == f"<StreamContext GET {tape.url}/a?q=***>"
        async with context as response:
            assert tells(f"{response!r} {response!s}") == []
    assert repr(AsyncSession()) == "<AsyncSession closed>"
