"""The tape, asked by plain sockets, http.client and asyncio."""

import asyncio
import contextlib
import http.client
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import pytest

from conformance.delivery import Delivery, Reply
from conformance.exchange import Exchange
from conformance.tape import Tape, loop_step

HELLO = Reply(200, (("X-Kind", "test"),), b"hello")
SIZED = Delivery("content-length")
SHORT = 0.05  # seconds, for what is to time out


@pytest.fixture
def tape() -> Iterator[Tape]:
    with Tape() as tape:
        yield tape


class Client:
    """A bare socket to the tape."""

    def __init__(self, tape: Tape) -> None:
        self.sock = socket.create_connection((tape.host, tape.port), timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def ask(self, target: str, method: str = "GET", lines: str = "", body: bytes = b"") -> None:
        self.sock.sendall(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode() + body)

    def until(self, mark: bytes) -> bytes:
        data = b""
        while not data.endswith(mark):
            more = self.sock.recv(1)
            assert more, f"the tape closed after {data!r}"
            data += more
        return data

    def rest(self) -> bytes:
        data = bytearray()
        while more := self.sock.recv(65536):
            data += more
        return bytes(data)


@pytest.fixture
def client(tape: Tape) -> Iterator[Client]:
    with Client(tape) as client:
        yield client


def fetch(tape: Tape, exchange: Exchange, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(tape.host, tape.port, timeout=10)
    with contextlib.closing(connection):
        connection.request(method, exchange.path)
        response = connection.getresponse()
        return response.status, response.read()


# playing


@pytest.mark.parametrize("framing", ["chunked", "content-length", "until-close"])
@pytest.mark.parametrize("chunks", [(), (0, 1, 3, 5)])
def test_a_real_client_gets_the_reply(tape: Tape, framing: str, chunks: tuple[int, ...]) -> None:
    """However it is framed and cut, http.client reads what was to be said."""
    exchange = tape.play(HELLO, Delivery(framing, chunks=chunks))

    assert fetch(tape, exchange) == (200, b"hello")
    assert fetch(tape, exchange, "HEAD") == (200, b"")


def test_the_wire_is_the_script(tape: Tape, client: Client) -> None:
    """What the client receives is, byte for byte, what the delivery says."""
    exchange = tape.play(HELLO, Delivery("content-length", connection_close=True, extra=b"junk"))

    client.ask(exchange.path)

    assert client.rest() == (
        b"HTTP/1.1 200 OK\r\nX-Kind: test\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
        b"hellojunk"
    )
    assert exchange.wait_end() == "server-closed"


def test_a_connection_is_used_again(tape: Tape, client: Client) -> None:
    """Several requests share a connection, and are recorded with its number."""
    exchange = tape.play(HELLO, SIZED)
    head = b"HTTP/1.1 200 OK\r\nX-Kind: test\r\nContent-Length: 5\r\n\r\n"

    for method in ("GET", "HEAD", "GET"):
        client.ask(exchange.path, method)
        assert client.until(b"\r\n\r\n") == head
        assert method == "HEAD" or client.until(b"hello") == b"hello"

    assert tape.connections == 1
    assert [request.connection for request in exchange.requests] == [1, 1, 1]
    assert exchange.requests[1].raw == f"HEAD {exchange.path} HTTP/1.1\r\n\r\n".encode()
    assert exchange.wait_end(n=3) == "kept"


@pytest.mark.parametrize(
    ("first", "stays"),
    [
        ("GET {} HTTP/1.1\r\nConnection: x, Close\r\n\r\n", False),
        ("GET {} HTTP/1.0\r\n\r\n", False),
        ("GET {} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", True),
    ],
)
def test_the_client_may_end_it(tape: Tape, client: Client, first: str, stays: bool) -> None:
    """A client that asks for the end of the connection gets it."""
    exchange = tape.play(HELLO, SIZED)

    client.sock.sendall(first.format(exchange.path).encode())

    assert client.until(b"hello")
    assert exchange.wait_end() == ("kept" if stays else "server-closed")
    if not stays:
        assert client.rest() == b""


def test_targets_and_methods_are_matched_exactly(tape: Tape) -> None:
    """A path with its query is one target; a method's own answer goes before that for any."""
    any_method = tape.play(Reply(body=b"any"), path="/base/x?q=1&r")
    deleting = tape.play(Reply(body=b"delete"), path="/base/x?q=1&r", method="DELETE")

    assert any_method.url == f"{tape.url}/base/x?q=1&r"
    assert fetch(tape, any_method) == (200, b"any")
    assert fetch(tape, deleting, "DELETE") == (200, b"delete")


def test_paths_are_unique(tape: Tape) -> None:
    """Every answer gets its own path, a path in use is refused, and a forgotten one is free."""
    first = tape.play(HELLO)
    fixed = tape.play(HELLO, path="/fixed")

    assert first.path != tape.play(HELLO).path
    with pytest.raises(ValueError, match=r"^any method /fixed is on the tape already$"):
        tape.play(HELLO, path="/fixed")
    tape.forget(fixed)
    assert fetch(tape, tape.play(HELLO, path="/fixed")) == (200, b"hello")


def test_a_sequence_is_played_once(tape: Tape) -> None:
    """The nth request gets the nth turn; one too many is unexpected."""
    exchange = tape.play_sequence([Reply(503), (HELLO, SIZED)])

    statuses = [fetch(tape, exchange)[0] for _ in range(3)]

    assert statuses == [503, 200, 599]
    assert len(exchange.requests) == 2
    assert len(tape.unexpected) == 1


def test_an_unexpected_request_is_told_so(tape: Tape) -> None:
    """A request that nothing answers gets status 599 that names it and what there is."""
    tape.play(HELLO, path="/there", method="PUT")
    connection = http.client.HTTPConnection(tape.host, tape.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", "/nowhere", b"body")
        response = connection.getresponse()
        text = response.read().decode()

    assert (response.status, response.reason) == (599, "Unexpected Request")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert text == ("Nothing on the tape answers POST /nowhere. The last answers:\nPUT /there\n")
    assert [(r.target, r.body) for r in tape.unexpected] == [("/nowhere", b"body")]


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"hello\r\n\r\n", "not a request line: b'hello'"),
        (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", "not a header line: b' folded: x'"),
    ],
)
def test_what_is_no_request_is_told_so(
    tape: Tape, client: Client, sent: bytes, problem: str
) -> None:
    """Bytes that are no request are kept, and answered with what is wrong."""
    client.sock.sendall(sent)

    answer = client.rest()

    assert answer.startswith(b"HTTP/1.1 599 Unexpected Request\r\n")
    assert answer.endswith(problem.encode())
    assert tape.unexpected[0].raw == sent


def test_an_endless_head_is_given_up(tape: Tape, client: Client) -> None:
    """A head that has not ended after a mebibyte is not a request."""
    client.sock.sendall(b"GET /" + b"x" * (1 << 20))

    assert re.search(rb"no b'.*' in the first 10\d{5} bytes$", client.rest())


# requests


def test_a_request_is_recorded_as_it_was_sent(tape: Tape, client: Client) -> None:
    """Order, case, repetition and odd bytes of header lines are kept."""
    exchange = tape.play(HELLO)
    raw = (
        f"PATCH {exchange.path} HTTP/1.1\r\nx-B:  two words \r\nX-a:1\r\nX-B: \xe9\r\n"
        "Content-Length: 3\r\n\r\nabc"
    ).encode("latin-1")

    client.sock.sendall(raw)

    request = exchange.wait_request()
    assert (request.method, request.target, request.version) == (
        "PATCH",
        exchange.path,
        "HTTP/1.1",
    )
    assert request.headers == (
        (b"x-B", b"two words"),
        (b"X-a", b"1"),
        (b"X-B", b"\xe9"),
        (b"Content-Length", b"3"),
    )
    assert request.values("x-b") == [b"two words", b"\xe9"]
    assert (request.body, request.raw, request.complete) == (b"abc", raw, True)


def test_a_chunked_request_body_is_joined(tape: Tape, client: Client) -> None:
    """Chunks, their extensions and trailers are undone in the body and kept in raw."""
    exchange = tape.play(HELLO)
    body = b"3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n"

    client.ask(exchange.path, "POST", "Transfer-Encoding: Chunked\r\n", body)

    request = exchange.wait_request()
    assert request.body == b"abc0123456789"
    assert request.raw.endswith(body)


def test_a_large_request_body_arrives(tape: Tape, client: Client) -> None:
    """A body of many segments is recorded whole."""
    exchange = tape.play(HELLO)
    body = bytes(range(256)) * 20_000

    client.ask(exchange.path, "PUT", f"Content-Length: {len(body)}\r\n", body)

    assert exchange.wait_request().body == body


@pytest.mark.parametrize(
    ("lines", "sent", "problem"),
    [
        ("Content-Length: -1\r\n", b"", "not a length: b'-1'"),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", b"", "several lengths: [b'1', b'2']"),
        ("Transfer-Encoding: chunked\r\n", b"xy\r\n", "not a length: b'xy'"),
        (
            "Transfer-Encoding: chunked\r\n",
            b"1\r\nabc\r\n",
            "a chunk is longer than the 1 bytes it announced",
        ),
    ],
)
def test_a_broken_request_body_is_told_so(
    tape: Tape, client: Client, lines: str, sent: bytes, problem: str
) -> None:
    """A body that breaks its framing is answered with what is wrong."""
    exchange = tape.play(HELLO)

    client.ask(exchange.path, "POST", lines, sent)
    client.sock.shutdown(socket.SHUT_WR)

    assert client.rest().decode().endswith(problem)
    assert exchange.wait_end() == "malformed"


def test_a_request_cut_short_is_recorded(tape: Tape, client: Client) -> None:
    """What arrived of a body is kept, marked as incomplete."""
    exchange = tape.play(HELLO)

    client.ask(exchange.path, "POST", "Content-Length: 100\r\n", b"ten bytes.")
    client.sock.close()

    assert exchange.wait_end() == "client-closed"
    assert (exchange.requests[0].body, exchange.requests[0].complete) == (b"ten bytes.", False)


def test_a_client_that_waits_is_told_to_continue(tape: Tape, client: Client) -> None:
    """Expect: 100-continue is answered before the body is read."""
    exchange = tape.play(HELLO, SIZED)

    client.ask(exchange.path, "POST", "Content-Length: 2\r\nExpect: 100-Continue\r\n")
    interim = client.until(b"\r\n\r\n")
    client.sock.sendall(b"ok")

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert client.until(b"hello").startswith(b"HTTP/1.1 200 OK\r\n")
    assert exchange.requests[0].body == b"ok"


def test_a_client_can_be_left_waiting(tape: Tape, client: Client) -> None:
    """With continues=False a client that waits is told nothing before the answer."""
    exchange = tape.play(HELLO, SIZED, continues=False)

    client.ask(exchange.path, "POST", "Content-Length: 2\r\nExpect: 100-continue\r\n", b"ok")

    assert client.until(b"\r\n").startswith(b"HTTP/1.1 200 OK")


def test_a_late_body_is_recorded_after_a_close(tape: Tape, client: Client) -> None:
    """A body sent when the tape has answered and closed its side is still read."""
    exchange = tape.play(HELLO, Delivery("until-close"), read="last")

    client.ask(exchange.path, "POST", "Content-Length: 4\r\n")
    client.rest()
    client.sock.sendall(b"late")

    assert exchange.wait_end() == "server-closed"
    assert [(r.body, r.complete) for r in exchange.requests] == [(b"late", True)]


def test_a_continue_can_be_withheld(tape: Tape, client: Client) -> None:
    """With continues=False, and the body read last, the answer comes at once."""
    refusal = Delivery("content-length", connection_close=True)
    exchange = tape.play(Reply(417, body=b"no"), refusal, read="last", continues=False)

    client.ask(exchange.path, "POST", "Content-Length: 2\r\nExpect: 100-continue\r\n")

    assert client.rest().startswith(b"HTTP/1.1 417 ")
    client.sock.close()
    assert exchange.wait_end() == "server-closed"
    assert (exchange.requests[0].body, exchange.requests[0].complete) == (b"", False)


def test_an_early_answer_comes_before_the_body(tape: Tape, client: Client) -> None:
    """With read="last" the answer is there before the body is sent, and the connection stays."""
    exchange = tape.play(HELLO, SIZED, read="last")

    client.ask(exchange.path, "POST", "Content-Length: 4\r\n")
    client.until(b"hello")
    early = exchange.wait_request()
    client.sock.sendall(b"late")

    assert exchange.wait_end() == "kept"
    assert (early.body, early.complete) == (b"", False)
    assert [(r.body, r.complete) for r in exchange.requests] == [(b"late", True)]


def test_a_held_body_blocks_the_client(tape: Tape, client: Client) -> None:
    """With read="held" the tape does not read the body, so that writing it comes to a stop."""
    exchange = tape.play(HELLO, SIZED, read="held")
    size = 50_000_000
    client.ask(exchange.path, "PUT", f"Content-Length: {size}\r\n")
    client.sock.settimeout(SHORT)

    with pytest.raises(TimeoutError):
        client.sock.sendall(bytes(size))
    client.sock.close()
    exchange.release()

    assert exchange.wait_end().startswith("client-")
    assert 0 < len(exchange.requests[0].body) < size


# holding


def test_nothing_passes_a_hold_unreleased(tape: Tape, client: Client) -> None:
    """Each release lets the tape go on to the next hold, and release_all to the end."""
    exchange = tape.play(HELLO, Delivery("content-length", held=(1, 2, 3, 4)))

    client.ask(exchange.path)
    client.until(b"\r\n\r\nh")
    exchange.wait_held()
    client.sock.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        client.sock.recv(1)
    client.sock.settimeout(10)
    exchange.release(2)
    assert client.until(b"el")
    exchange.wait_held(n=3)
    with pytest.raises(TimeoutError):
        exchange.wait_held(SHORT, n=4)
    exchange.release_all()

    assert client.until(b"lo")
    assert exchange.wait_end() == "kept"
    assert exchange.holds == 4


def test_silence_lasts_until_a_release(tape: Tape, client: Client) -> None:
    """A silent answer takes the request, and says nothing before a release."""
    exchange = tape.silent(HELLO, SIZED)

    client.ask(exchange.path)
    exchange.wait_held()
    assert exchange.sent == 0
    exchange.release()

    assert client.until(b"hello")


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_leaves_a_hold_is_noticed(tape: Tape, client: Client, reset: bool) -> None:
    """While the tape holds it sees the client go, and how."""
    exchange = tape.play(HELLO, Delivery(held=(2,)))
    client.ask(exchange.path)
    exchange.wait_held()
    client.until(b"he")

    if reset:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.sock.close()

    assert exchange.wait_end() == ("client-reset" if reset else "client-closed")
    tape.wait_open(0)


def test_a_client_that_leaves_a_sender_is_noticed(tape: Tape, client: Client) -> None:
    """A client that closes when it has read everything did not reset."""
    gate = threading.Event()
    tape.step = gate.wait
    exchange = tape.play(Reply(), Delivery(endless=b"more"))

    client.ask(exchange.path)
    client.until(b"\r\n\r\n")
    client.sock.close()
    gate.set()

    assert exchange.wait_end() == "client-closed"


# ends


def test_a_close_is_an_end_of_file(tape: Tape, client: Client) -> None:
    """An early close gives the client what was sent, and then the end."""
    exchange = tape.play(HELLO, Delivery("content-length", end=("close", 2)))

    client.ask(exchange.path)

    assert client.rest().endswith(b"Content-Length: 5\r\n\r\nhe")
    assert exchange.wait_end() == "server-closed"


def test_a_reset_is_an_error(tape: Tape, client: Client) -> None:
    """A reset reaches the client as such, after the bytes before it."""
    exchange = tape.play(HELLO, Delivery("content-length", held=(2,), end=("reset", 2)))

    client.ask(exchange.path)
    assert client.until(b"he")
    exchange.release()

    with pytest.raises(ConnectionResetError):
        client.rest()
    assert exchange.wait_end() == "server-reset"


def test_an_endless_body_ends_with_the_client(tape: Tape, client: Client) -> None:
    """An endless body is sent until the client goes away, and no faster than it reads."""
    exchange = tape.play(Reply(), Delivery(endless=bytes(100_000)))

    client.ask(exchange.path)
    for _ in range(100):
        client.sock.recv(65536)
    client.sock.close()

    assert exchange.wait_end().startswith("client-")
    tape.wait_open(0)
    assert exchange.sent < 50_000_000


def test_a_large_body_waits_for_its_reader(tape: Tape, client: Client) -> None:
    """A body larger than all buffers is sent as the client reads, and arrives whole."""
    body = bytes(range(256)) * 200_000
    exchange = tape.play(Reply(body=body), Delivery("content-length", connection_close=True))

    client.ask(exchange.path)
    client.until(b"\r\n\r\n")
    with pytest.raises(TimeoutError):
        exchange.wait_end(SHORT)

    assert exchange.sent < len(body)
    assert client.rest() == body
    assert exchange.wait_end() == "server-closed"


# connections


def test_connections_are_counted(tape: Tape) -> None:
    """Accepted, open and idle connections are told apart."""
    held = tape.play(HELLO, Delivery(held=(1,)))

    with Client(tape) as one, Client(tape):
        one.ask(held.path)
        held.wait_held()
        tape.wait_open(2)
        tape.wait_idle(1)
        assert (tape.connections, tape.open_connections, tape.idle_connections) == (2, 2, 1)

    tape.wait_open(0)
    tape.wait_quiet()
    assert (tape.connections, tape.open_connections, tape.idle_connections) == (2, 0, 0)


def test_a_connection_is_open_until_the_client_closes_it(tape: Tape, client: Client) -> None:
    """When the tape has closed, a client that does not close its side is still counted."""
    exchange = tape.play(HELLO, Delivery("until-close"))

    client.ask(exchange.path)
    client.rest()

    assert exchange.wait_end() == "server-closed"
    with pytest.raises(TimeoutError):
        tape.wait_open(0, SHORT)
    client.sock.close()
    tape.wait_open(0)


def test_idle_connections_can_be_closed(tape: Tape, client: Client) -> None:
    """close_idle sends the end of file on what is idle, and leaves alone what is busy."""
    exchange = tape.play(HELLO, SIZED)
    held = tape.play(HELLO, Delivery("content-length", held=(1,)))
    with Client(tape) as busy:
        busy.ask(held.path)
        held.wait_held()
        client.ask(exchange.path)
        client.until(b"hello")

        assert tape.close_idle() == 1
        with pytest.raises(TimeoutError, match="1 idle connections to close"):
            tape.close_idle(timeout=SHORT)  # that one counts no more, though it is still there
        assert client.rest() == b""
        held.release()
        assert busy.until(b"hello")


def test_a_request_on_a_closed_connection_gets_no_answer(tape: Tape, client: Client) -> None:
    """A request that comes when the tape has closed is neither recorded nor answered."""
    exchange = tape.play(HELLO, SIZED)

    tape.close_idle()
    client.ask(exchange.path)
    tape.wait_open(0)

    assert exchange.requests == []
    with contextlib.suppress(ConnectionResetError):
        assert client.rest() == b""


def test_many_clients_at_once(tape: Tape) -> None:
    """Clients in many threads each get their answer."""
    exchange = tape.play(HELLO, Delivery(chunks=(1, 2)))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fetch(tape, exchange), range(100)))

    assert answers == [(200, b"hello")] * 100
    assert len(exchange.requests) == 100


# waits and ends


def test_a_wait_is_bounded_and_says_what_for(tape: Tape, client: Client) -> None:
    """A wait that fails tells what was awaited, and how things stand."""
    exchange = tape.play(HELLO, Delivery("content-length", held=(0,)))
    client.ask(exchange.path)
    exchange.wait_held()
    state = r"any method /t/1: 1 requests, 1 holds, 52 bytes sent, ended: none"
    rest = rf"1 connections accepted, 1 open, 0 idle; 0 unexpected requests; on the tape: {state}"

    for wait, what in (
        (lambda: exchange.wait_request(SHORT, n=2), f"request 2 of {state}"),
        (lambda: exchange.wait_held(SHORT, n=2), f"hold 2 of {state}"),
        (lambda: exchange.wait_end(SHORT), f"end 1 of {state}"),
        (lambda: tape.wait_open(5, SHORT), "5 open connections"),
        (lambda: tape.wait_idle(5, SHORT), "5 idle connections"),
        (lambda: tape.wait_quiet(SHORT), "every connection idle or closed"),
        (lambda: tape.close_idle(5, SHORT), "5 idle connections to close"),
    ):
        with pytest.raises(TimeoutError, match=f"^waited 0.05 s for {what}; {rest}$"):
            wait()


@pytest.mark.parametrize("doing", ["nothing", "idle", "held", "sending", "body", "held body"])
def test_the_tape_ends_whatever_goes_on(doing: str) -> None:
    """Leaving the block ends every thread and connection, in whatever state they are."""
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        with Tape() as tape:
            if doing != "nothing":
                client = stack.enter_context(Client(tape))
                read = "held" if doing == "held body" else "first"
                delivery = Delivery(silent=doing == "held", endless=b"more" * (doing == "sending"))
                exchange = tape.play(HELLO, delivery, read=read)
                lines = "Content-Length: 9\r\n" if "body" in doing else ""
                client.ask(exchange.path, "GET", lines)
                if doing in ("held", "held body"):
                    exchange.wait_held()
                elif doing != "body":
                    client.until(b"hello")

        assert threading.active_count() == before
        assert tape.open_connections == 0
        if doing not in ("nothing", "idle", "body"):
            assert exchange.ends == ["tape-closed"]


def test_the_tape_waits_for_connections_that_have_just_ended() -> None:
    """A thread whose client left at the last moment does not outlive the block either."""
    for _ in range(100):
        with Tape() as tape:
            with Client(tape):
                tape.wait_open(1)
            tape.wait_open(0)

        assert [thread for thread in threading.enumerate() if "tape" in thread.name] == []


def test_what_cannot_be_played_is_refused_at_once(tape: Tape) -> None:
    """A delivery that does not fit, or an unknown option, is refused where it is registered."""
    with pytest.raises(ValueError, match=r"^chunk end at 9: outside the 5 bytes of coded body$"):
        tape.play(HELLO, Delivery(chunks=(9,)))
    with pytest.raises(ValueError, match=r"^unknown read 'never'; known: first, last, held$"):
        tape.play(HELLO, read="never")


def test_nothing_leaks_under_warnings() -> None:
    """A program that uses the tape prints nothing in development mode with warnings as errors."""
    program = """
from http.client import HTTPConnection
from conformance.delivery import Delivery, Reply
from conformance.tape import Tape

with Tape() as tape:
    connection = HTTPConnection(tape.host, tape.port)
    for delivery in (Delivery(chunks=(1,)), Delivery("until-close"), Delivery(end=("reset", 1))):
        connection.request("GET", tape.play(Reply(body=b"hello"), delivery).path)
        response = connection.getresponse()
        if not delivery.end:
            assert response.read() == b"hello"
        response.close()
    connection.close()
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# lockstep


class Arrivals(asyncio.Protocol):
    """Notes each piece that arrives, and the end."""

    def __init__(self, path: str) -> None:
        self.pieces: list[bytes] = []
        self.over = asyncio.get_running_loop().create_future()
        self._path = path

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"GET {self._path} HTTP/1.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set_result(exc)


async def arrivals(tape: Tape, exchange: Exchange) -> list[bytes]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(
        lambda: Arrivals(exchange.path), tape.host, tape.port
    )
    await asyncio.wait_for(protocol.over, 10)
    transport.close()
    return protocol.pieces


def test_in_lockstep_every_segment_arrives_alone(tape: Tape) -> None:
    """With loop_step each of 200 segments of one byte is read by itself."""
    body = bytes(range(200))
    exchange = tape.play(Reply(body=body), Delivery("until-close", chunks=tuple(range(200))))

    async def main() -> list[bytes]:
        tape.step = loop_step(asyncio.get_running_loop(), limit=10)
        return await arrivals(tape, exchange)

    head, *pieces = asyncio.run(main())

    assert head.endswith(b"\r\n\r\n")
    assert pieces == [body[at : at + 1] for at in range(200)]


def test_a_reset_in_lockstep_comes_after_the_bytes(tape: Tape) -> None:
    """With loop_step the client has read everything before a reset."""
    exchange = tape.play(HELLO, Delivery("content-length", chunks=(2,), end=("reset", 4)))

    async def main() -> list[bytes]:
        tape.step = loop_step(asyncio.get_running_loop(), limit=10)
        return await arrivals(tape, exchange)

    _, last = asyncio.run(main())

    assert last == b"ll"


def test_a_step_needs_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that does not run, or is closed, is not waited for."""
    loop = asyncio.new_event_loop()
    step = loop_step(loop, limit=60)

    step()
    loop.close()
    step()
    monkeypatch.setattr(loop, "is_running", lambda: True)  # as if it had been closed just now
    step()


def test_a_step_lasts_as_many_turns_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop goes round seven times for turns=7: six hops follow the first."""
    hops = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon

        def counted(callback: Callable[..., object], *args: Any, **kwargs: Any) -> asyncio.Handle:
            if getattr(callback, "__name__", "") == "hop":
                hops.append(args)
            return call_soon(callback, *args, **kwargs)

        monkeypatch.setattr(loop, "call_soon", counted)
        await asyncio.to_thread(loop_step(loop, turns=7, limit=10))

    asyncio.run(main())

    assert len(hops) == 6


def test_a_step_gives_up_on_a_busy_loop() -> None:
    """A loop that does not go round delays the tape by the limit only."""

    async def main() -> None:
        loop_step(asyncio.get_running_loop(), limit=SHORT)()  # blocks the loop that it waits for

    asyncio.run(main())


def test_requests_are_numbered_as_accepted(tape: Tape) -> None:
    """Connections are numbered from 1."""
    exchange = tape.play(HELLO)

    for _ in range(3):
        fetch(tape, exchange)

    assert [request.connection for request in exchange.requests] == [1, 2, 3]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", tape.url)
