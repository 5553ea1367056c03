"""A stand-in for the world beyond this machine, as Python's sockets see it.

Inside `with World(tape) as world` the standard library's look-up of names gives what `world.names`
says, and every address that a socket is told to connect to is noted in `world.dialled` and leads to
the tape. Nothing leaves the machine. A client that connects by other means is not seen here:
`sees(case)` finds that out, and takes its trial away.
"""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from itertools import count
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import httpx

from conformance.delivery import Delivery, Reply
from conformance.verdicts import NotApplicable

if TYPE_CHECKING:
    from conformance.case import Case
    from conformance.tape import Tape

Answer = list[str] | OSError

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
HOME: Answer = ["127.0.0.1", "::1"]
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
_NUMBERS = count(1)


class World:
    """Names and addresses beyond this machine; a thing for one trial."""

    def __init__(self, tape: Tape) -> None:
        self.names: dict[str, list[Answer]] = {"localhost": [HOME]}
        self.silent: set[str] = set()  # addresses that refuse connections
        self.dialled: list[str] = []
        self._tape = tape
        self._patches = ExitStack()
        self._look_up, self._connect = socket.getaddrinfo, socket.socket.connect
        self._connect_ex = socket.socket.connect_ex

    def __enter__(self) -> Self:
        def connect(sock: socket.socket, address: Any) -> None:
            self._connect(sock, self._instead(sock, address))

        def connect_ex(sock: socket.socket, address: Any) -> int:
            return self._connect_ex(sock, self._instead(sock, address))

        for place, name, stand_in in (
            (socket, "getaddrinfo", self._found),
            (socket, "gethostbyname", lambda host: self._found_ipv4(host)[0]),
            (socket, "gethostbyname_ex", lambda host: (host, [], self._found_ipv4(host))),
            (socket.socket, "connect", connect),
            (socket.socket, "connect_ex", connect_ex),
        ):
            self._patches.enter_context(mock.patch.object(place, name, stand_in))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def name(self, *answers: Answer, under: str = "example.test") -> str:
        """A new name: the nth look-up gets the nth answer, and the last one stays."""
        name = f"host-{next(_NUMBERS)}.{under}"
        self.names[name] = list(answers)
        return name

    async def sees(self, case: Case) -> Self:
        """Raise `NotApplicable` unless what the session does passes through here."""
        # An address of the documentation's, behind a name that nobody can have.
        url = f"http://{self.name(['192.0.2.1'])}"
        exchange = case.tape.play(Reply(body=b"here"), Delivery("content-length"))
        with suppress(httpx.HTTPError):
            async with (
                case.opened(security=False, timeout=1.0) as session,
                session.stream("GET", url + exchange.path) as response,
            ):
                await response.aread()
        case.tape.forget(exchange)
        if not exchange.requests or self.dialled != ["192.0.2.1"]:
            raise NotApplicable("it does not connect by way of Python's sockets")
        self.dialled.clear()
        return self

    def _instead(self, sock: socket.socket, address: Any) -> Any:
        """Where a socket is connected to instead of where it was told to."""
        if sock.family not in FAMILIES.values():
            return address
        self.dialled.append(str(address[0]))
        if address[0] in self.silent:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        if sock.family == socket.AF_INET:
            return self._tape.host, self._tape.port
        return f"::ffff:{self._tape.host}", self._tape.port, 0, 0

    def _found(
        self,
        host: Any,
        port: Any,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the name of its keyword
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """What `socket.getaddrinfo` gives: nothing that is not in the table is asked of others."""
        name = host.decode("ascii") if isinstance(host, bytes) else str(host)
        answers = self.names.get(name.lower().removesuffix("."))
        if answers is None:
            flags |= socket.AI_NUMERICHOST
            return self._look_up(host, port, family, type, proto, flags)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, OSError):
            raise answer
        found = [_entry(address, int(port or 0)) for address in answer]
        return [entry for entry in found if family in (0, entry[0])]

    def _found_ipv4(self, host: Any) -> list[str]:
        """What the look-ups give that know of IPv4 only."""
        found = self._found(host, 0, socket.AF_INET)
        if not found:
            raise UNKNOWN
        return [place[0] for *_, place in found]


def _entry(address: str, port: int) -> tuple[Any, ...]:
    """One of the entries that `socket.getaddrinfo` gives."""
    try:
        family = FAMILIES[ip_address(address.partition("%")[0]).version]
    except ValueError:  # what a broken look-up gives
        family = socket.AF_INET
    place = (address, port) if family == socket.AF_INET else (address, port, 0, 0)
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)


def has_ipv6() -> bool:
    """Whether a socket of IPv6 can be led to the tape on this machine."""
    with (
        suppress(OSError),
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_INET6) as sock,
    ):
        sock.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        return True
    return False
