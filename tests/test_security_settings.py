"""What `security=` may be, and the exceptions that it makes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape
from conformance.world import World
from fasthttp import AiohttpTransport, AsyncSession, BlockedAddress, Security

pytest_plugins = ["tests.fixtures"]

OK = Reply(body=b"ok")
SIZED = Delivery("content-length")


@pytest.fixture
def world(tape: Tape) -> Iterator[World]:
    """Names that can be looked up, and addresses that all lead to the tape."""
    with World(tape) as world:
        yield world


def allowing(*allow: str) -> AsyncSession:
    return AsyncSession(security=Security(allow=allow), timeout=5)


@pytest.mark.parametrize(
    ("allow", "opened", "closed"),
    [
        ("10.1.0.0/16", ["10.1.0.0", "10.1.255.255", "[::ffff:10.1.2.3]"], ["10.0.255.255"]),
        ("10.1.0.0/16", [], ["10.2.0.0", "[64:ff9b::10.1.0.1]", "[::10.1.0.1]", "127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1", "localhost"], ["127.0.0.2", "0.0.0.0", "10.0.0.1"]),
        ("::ffff:10.1.0.0/112", ["10.1.2.3", "[::ffff:10.1.2.3]"], ["10.2.0.0", "127.0.0.1"]),
        ("fd00:1::/32", ["[fd00:1::5]"], ["[fd00:2::]", "[::1]"]),
        ("64:ff9b::/96", ["[64:ff9b::10.0.0.1]"], ["10.0.0.1"]),
        ("localhost", ["localhost", "LOCALHOST"], ["127.0.0.1", "a.localhost"]),
        (
            "intern.test",
            ["intern.test"],
            ["x.intern.test", "intern.test.evil.test", "xintern.test"],
        ),
    ],
)
async def test_allow(
    tape: Tape, world: World, allow: str, opened: list[str], closed: list[str]
) -> None:
    """A network or address opens what it has, by whatever name; a name opens just itself."""
    for name in ("intern.test", "x.intern.test", "intern.test.evil.test", "xintern.test"):
        world.names[name] = [["10.0.0.1"]]
    world.names["localhost"] = world.names["a.localhost"] = [["127.0.0.1"]]
    played = tape.play(OK, SIZED)
    async with allowing(allow) as session:
        for host in opened:
            assert (await session.get(f"http://{host}{played.path}")).content == b"ok"
        dialled = len(world.dialled)
        for host in closed:
            with pytest.raises(BlockedAddress):
                await session.get(f"http://{host}{played.path}")

    assert len(world.dialled) == dialled


@dataclass
class Foreign:
    """What somebody who does not know `Security` passes."""

    allow: Any = ("127.0.0.1",)


async def test_what_security_may_be(tape: Tape) -> None:
    """False opens everything; any object with exceptions is as good as ours."""
    played = tape.play(OK, SIZED)
    for security in (False, Foreign(), Foreign(iter(["127.0.0.1"]))):
        async with AsyncSession(security=security, timeout=5) as session:  # type: ignore[arg-type] # or like it
            response = await session.get(played.url)
            limit = None if security is False else 64 * 1024 * 1024
            assert (response.content, response.max_pending) == (b"ok", limit)


@pytest.mark.parametrize(
    "security", [None, 1, 0, "on", [], object(), Security, Foreign("10.0.0.1")]
)
def test_what_security_may_not_be(security: Any) -> None:
    """Anything else is refused by the session, and by the transport."""
    for make in (AsyncSession, AiohttpTransport):
        with pytest.raises(TypeError, match=r"^security"):
            make(security=security)


@pytest.mark.parametrize(
    "entry",
    [
        *("", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "127.1", "0x7f.1", "2130706433", "1.2.3.4.5"),
        *("*.test", "a:80", "[::1]", "fe80::1%eth0", "http://a.test", "a b", ".a", "-a", "é.test"),
        *("user@a.test", "a.test/", "10.0.0.1\n", "a." * 127 + "a"),
    ],
)
def test_bad_exceptions(entry: str) -> None:
    """An exception that is no network, address or host name is a ValueError that names it."""
    with pytest.raises(ValueError, match=r"^security: ") as caught:
        AsyncSession(security=Security(allow=["localhost", entry]))

    assert repr(entry) in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"allow": "localhost"}, TypeError),
        ({"allow": 1}, TypeError),
        ({"allow": [1]}, TypeError),
        ({"max_pending": 0}, ValueError),
        ({"max_pending": True}, TypeError),
        ({"max_pending": 1.5}, TypeError),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    """Arguments of another type, and a limit that lets nothing through, are refused."""
    with pytest.raises(error, match=r"^security: "):
        Security(**arguments)


def test_security_is_a_value() -> None:
    """Equal settings are equal, and say what they are; nothing changes them later."""
    entries = ["localhost"]
    security = Security(allow=entries)
    entries.append("10.0.0.0/8")

    assert security == Security(allow=("localhost",)) != Security()
    assert hash(security) == hash(Security(allow=("localhost",)))
    assert repr(security) == "Security(allow=('localhost',), max_pending=67108864)"
