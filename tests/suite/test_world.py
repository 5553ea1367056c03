"""The stand-in for the world: names and addresses lead to the tape, and nowhere else."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from conformance.tape import Tape
from conformance.world import World, has_ipv6

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    with Tape() as tape, World(tape) as made:
        yield made


def addresses(name: str) -> list[str]:
    """What the standard library's look-up gives."""
    found = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def test_answers_come_in_turn(world: World) -> None:
    """The nth look-up of a name gets its nth answer, and the last one stays."""
    name = world.name(["9.9.9.9"], ["10.0.0.1", "::1"])

    assert [addresses(name) for _ in range(3)] == [
        ["9.9.9.9"],
        ["10.0.0.1", "::1"],
        ["10.0.0.1", "::1"],
    ]


def test_answer_can_be_a_failure(world: World) -> None:
    """An exception in the place of an answer is raised."""
    name = world.name(OSError("no answer"))

    with pytest.raises(OSError, match="no answer"):
        addresses(name)


def test_unknown_names_are_asked_of_nobody(world: World) -> None:
    """Spellings of addresses are read as ever, and a name that is not in the table has none."""
    assert addresses("0x7f.1") == ["127.0.0.1"]
    with pytest.raises(socket.gaierror):
        addresses("example.org")


def test_every_address_leads_to_the_tape(world: World) -> None:
    """What a socket is told to connect to is noted, and it is connected to the tape."""
    with socket.create_connection(("9.9.9.9", 80), timeout=5) as sock:
        assert sock.getpeername() == (world._tape.host, world._tape.port)

    assert world.dialled == ["9.9.9.9"]


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_leads_to_the_tape(world: World) -> None:
    """So it is with IPv6."""
    with socket.create_connection(("2620:fe::fe", 443), timeout=5) as sock:
        assert sock.getpeername()[1] == world._tape.port

    assert world.dialled == ["2620:fe::fe"]


def test_silent_addresses_refuse(world: World) -> None:
    """An address that is to be silent refuses the connection, and is noted all the same."""
    world.silent.add("9.9.9.9")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("9.9.9.9", 80), timeout=5)

    assert world.dialled == ["9.9.9.9"]


def test_the_sockets_are_given_back() -> None:
    """Behind the block look-up and sockets are as they were before."""
    before = (socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex)
    with Tape() as tape, World(tape):
        pass

    assert (socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex) == before
    assert "connect" not in vars(socket.socket)
