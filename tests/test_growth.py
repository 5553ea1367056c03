"""What the largest items cost: processor time grows with them, memory with one of them.

Each shape is read by a process of its own, over loopback, at one size and at eight times as much.
"""

import json
import platform
import subprocess
import sys
from typing import NamedTuple

import pytest

from conformance.delivery import Delivery, Reply
from conformance.tape import Tape

MIB = 1 << 20
TIMES = 8
LINEAR = 16  # times as long for eight times as much; the square would take 64 times
EVENTS = (("Content-Type", "text/event-stream"),)

Sent = tuple[Reply, Delivery]


class Cost(NamedTuple):
    """What `tests.reader` printed about one body."""

    items: int
    longest: int
    seconds: float
    memory: int
    pages: int


def one_line(size: int) -> Sent:
    return Reply(body=b"x" * size + b"\n"), Delivery("content-length")


def short_lines(size: int) -> Sent:
    return Reply(body=b"0123456\n" * (size // 8)), Delivery("content-length")


def in_small_chunks(body: bytes) -> Sent:
    return Reply(headers=EVENTS, body=body), Delivery(chunks=tuple(range(1024, len(body), 1024)))


def one_data_line(size: int) -> Sent:
    return in_small_chunks(b"data: " + b"x" * size + b"\n\n")


def many_data_lines(size: int) -> Sent:
    return in_small_chunks(b"data: 0123456\n" * (size // 8) + b"\n")


def read(mode: str, *bodies: Sent) -> list[Cost]:
    """Read them one after the other; the first one's cost is that of starting, and left out."""
    with Tape() as tape:
        urls = [tape.play(*body).url for body in (bodies[0], *bodies)]
        command = [sys.executable, "-m", "tests.reader", mode, *urls]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    return [Cost(**json.loads(line)) for line in done.stdout.splitlines()][1:]


@pytest.mark.parametrize(
    ("mode", "shape", "size", "items", "memory"),
    [
        ("aiter_lines", one_line, 8 * MIB, 1, 3),
        ("aiter_lines", short_lines, MIB, None, 0),  # ten million of them: the same, ten times
        ("aiter_events", one_data_line, MIB, 1, 5),
        ("aiter_events", many_data_lines, MIB, 1, 5),
    ],
)
def test_growth(mode: str, shape: object, size: int, items: int | None, memory: int) -> None:
    """Time grows in proportion, and memory holds a few times the longest item and no more."""
    assert callable(shape)
    small, large = shape(size), shape(TIMES * size)

    *costs, largest = read(mode, small, small, small, large)

    assert largest.items == (items or TIMES * size // 8)
    assert largest.seconds < LINEAR * max(cost.seconds for cost in costs)
    assert largest.memory < 8 * MIB + memory * largest.longest


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about the allocator of glibc")
def test_memory_is_used_again() -> None:
    """The memory of one block serves for the next: having the kernel give it anew takes longer."""
    lines = Reply(body=(b"x" * 149 + b"\n") * 50_000)
    chunks = Delivery(chunks=tuple(range(150, 150 * 50_000, 150)), joined=True)

    costs = read("aiter_lines", *[(lines, chunks)] * 4)

    assert sum(cost.pages for cost in costs) < 800  # otherwise 2,000 to 6,000, hardly ever less
