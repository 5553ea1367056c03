"""Credentials of the session stay at home: which names count, and where home is."""

from typing import Any

import httpx
import pytest

from conformance.delivery import Reply
from conformance.tape import Tape
from fasthttp import AsyncSession, Security
from fasthttp.credentials import PARTS, WORDS, is_credential
from fasthttp.headers import DEFAULTS
from fasthttp.redirects import HARMLESS_HEADERS

pytest_plugins = ["tests.fixtures"]

CREDENTIALS = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Api-Key": "k", "X-Team-Token": "t"}
HARMLESS = {"X-Team": "blue", "Accept": "text/plain"}
BOTH = CREDENTIALS | HARMLESS


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Proxy-Authorization", "Cookie", "Cookie2", "Set-Cookie", "X-Auth"),
        *("X-Api-Key", "apikey", "API_KEY", "Ocp-Apim-Subscription-Key", "X-Functions-Key"),
        *("X-Auth-Token", "X-CSRF-Token", "X-Amz-Security-Token", "PRIVATE-TOKEN", "token"),
        *("X-Client-Secret", "X-Password", "X-Passwd", "X-Credentials", "X-Session-Id", "X-JWT"),
        *("X-Hub-Signature-256", "X-Authentication", "X-Bearer", "X-Amzn-Oidc-Data-Token", "x.pin"),
    ],
)
def test_credentials(name: str) -> None:
    """Names that say what they are, in any case and in any company, count."""
    assert is_credential(name)
    assert is_credential(name.upper())


@pytest.mark.parametrize(
    "name",
    [
        *sorted(HARMLESS_HEADERS),
        *(name for name, _ in DEFAULTS),
        *("X-Request-Id", "X-Author", "Host", "Origin", "Referer", "If-None-Match", "Connection"),
        *("Traceparent", "X-Pinned", "X-Inside", "Keep-Alive", "Prefer", "Priority"),
    ],
)
def test_no_credentials(name: str) -> None:
    """What every request has does not count, nor what only sounds like it."""
    assert not is_credential(name)


def test_the_table_is_in_order() -> None:
    """The table that the docs print is sorted, in lower case, and says nothing twice."""
    for table in (PARTS, WORDS):
        assert list(table) == sorted({name.lower() for name in table})
    assert [name for name in WORDS if any(part in name for part in PARTS)] == []


async def sent(tape: Tape, url: str, how: str = "get", **arguments: Any) -> dict[str, str]:
    """What of BOTH arrives at the tape, asked for at `url`, which begins with its origin."""
    played = tape.play(Reply())
    per_call = arguments.pop("per_call", None)
    async with AsyncSession(timeout=5, **arguments) as session:
        if how == "get":
            await session.get(url + played.path, headers=per_call)
        else:
            async with session.stream("GET", url + played.path, headers=per_call):
                pass
    (request,) = played.requests
    values = {name: request.values(name) for name in BOTH}
    return {name: value[0].decode() for name, value in values.items() if value}


LOCAL = Security(allow=["127.0.0.1", "localhost"])


@pytest.mark.parametrize("how", ["get", "stream"])
@pytest.mark.parametrize(
    "base",
    ["http://other.test", "https://127.0.0.1:{port}", "http://127.0.0.1:1", "http://127.0.0.1"],
)
async def test_another_origin(tape: Tape, base: str, how: str) -> None:
    """To another host, scheme or port than base_url's, the session's credentials do not go."""
    base = base.format(port=tape.port)

    assert await sent(tape, tape.url, how, base_url=base, headers=BOTH, security=LOCAL) == HARMLESS


@pytest.mark.parametrize("how", ["get", "stream"])
@pytest.mark.parametrize("url", ["", "http://127.0.0.1:{port}", "HTTP://127.0.0.1:{port}"])
async def test_home(tape: Tape, url: str, how: str) -> None:
    """Below base_url, and at its origin however that is written, everything goes."""
    url = url.format(port=tape.port)

    assert await sent(tape, url, how, base_url=tape.url, headers=BOTH, security=LOCAL) == BOTH


@pytest.mark.parametrize(
    ("base", "security"), [(None, LOCAL), ("http://other.test", False), (None, False)]
)
async def test_everywhere(tape: Tape, base: str | None, security: Any) -> None:
    """Without a base_url, and with security=False, they go wherever they are sent."""
    assert await sent(tape, tape.url, base_url=base, headers=BOTH, security=security) == BOTH


async def test_what_the_call_brings(tape: Tape) -> None:
    """Credentials that the call itself has go where it goes; the session's do not come along."""
    own = {"authorization": "Bearer own"}
    got = await sent(
        tape, tape.url, base_url="http://other.test", headers=BOTH, security=LOCAL, per_call=own
    )

    assert got == HARMLESS | {"Authorization": "Bearer own"}


async def test_any_transport() -> None:
    """The rule is the session's, so that every transport keeps it."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, request=request))
    async with AsyncSession(base_url="http://a.test", headers=BOTH, transport=transport) as session:
        away = await session.get("http://b.test/")
        home = await session.get("x")

    assert "authorization" not in away.request.headers
    assert home.request.headers["authorization"] == "Bearer s"


async def test_the_user_of_the_base(tape: Tape) -> None:
    """User and password in base_url are credentials of that origin only."""
    base = f"http://user:pw@127.0.0.1:{tape.port}"
    home = await sent(tape, "", base_url=base, security=LOCAL)
    away = await sent(tape, f"http://localhost:{tape.port}", base_url=base, security=LOCAL)

    assert (home, away) == (
        {"Authorization": "Basic dXNlcjpwdw==", "Accept": "*/*"},
        {"Accept": "*/*"},
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_two_servers(tape: Tape, status: int) -> None:
    """What B sees when A redirects to it: nothing of the session's but what is harmless."""
    with Tape() as other:
        target = other.play(Reply())
        for location in (target.url, f"http://localhost:{other.port}{target.path}"):
            asked = tape.play(Reply(status, (("Location", location),)))
            async with AsyncSession(
                base_url=tape.url, headers=BOTH, security=LOCAL, follow_redirects=True, timeout=5
            ) as session:
                await session.get(asked.path, headers={"X-Own": "1"})
            assert [value for name in BOTH for value in asked.requests[0].values(name)] == [
                value.encode() for value in BOTH.values()
            ]
            seen = {name.decode().lower() for name, _ in target.requests[-1].headers}
            assert seen == {"host", "accept", "accept-encoding", "user-agent"}
