"""A raw HTTP/1.1 server on loopback that plays replies as they are to be delivered.

`with Tape() as tape: exchange = tape.play(reply, delivery)` registers an answer to one target; the
`Exchange` shows what clients sent and lets go of what is held. One thread accepts and one serves
each connection. `tape.step`, if set, is called between two segments: see `loop_step`. Every wait is
bounded, and blocks its thread: in a coroutine use `asyncio.to_thread`. A request that nothing is
registered for is answered with status 599 and kept in `tape.unexpected`.
"""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from conformance.delivery import Delivery, Reply, Script, script
from conformance.exchange import PATIENCE, Exchange, Turn
from conformance.peer import Peer, Recorded
from conformance.player import Player, complaint

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

PLAIN = Delivery()


class Tape:
    """The server; everything on it ends with its `with` block."""

    def __init__(self, step: Callable[[], object] | None = None) -> None:
        self.step = step
        self.unexpected: list[Recorded] = []
        self.connections = 0
        self.changed = threading.Condition()
        self.closing = False
        self._numbers = count(1)
        self._exchanges: dict[tuple[str | None, str], Exchange] = {}
        self._open: set[Player] = set()
        self._threads: list[Player] = []  # those that are open, and those that are just ending
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)
        self._alarm, self._bell = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name="tape", daemon=True)
        self.host, self.port = self._listener.getsockname()
        self.url = f"http://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bell.send(b"!")
        self._acceptor.join()
        for sock in (self._listener, self._alarm, self._bell):
            sock.close()
        with self.changed:
            self.closing = True
            for player in self._open:
                player.peer.abort()
        for player in self._threads:
            player.join(PATIENCE)
            if player.is_alive():
                raise TimeoutError(f"{player.name}: still there after {PATIENCE:g} s; {self}")

    def __str__(self) -> str:
        with self.changed:
            last = [exchange.state for exchange in self._exchanges.values()][-5:]
            return (
                f"{self.connections} connections accepted, {self.open_connections} open, "
                f"{self.idle_connections} idle; {len(self.unexpected)} unexpected requests; "
                f"on the tape: {'; '.join(last) or 'nothing'}"
            )

    # registering

    def play(
        self,
        reply: Reply,
        delivery: Delivery = PLAIN,
        *,
        method: str | None = None,
        path: str | None = None,
        read: str = "first",
        continues: bool = True,
    ) -> Exchange:
        """Answer every request to one target like this.

        Args:
            reply: what is said.
            delivery: how it travels.
            method: the only method that is answered; None: any.
            path: the exact target, query included; None: one that is not in use.
            read: when the request's body is read: "first", "last" (after the answer) or "held"
                (first, but not before a release; a client that leaves is noticed only then).
            continues: whether a client that expects it gets its 100 before its body is read.
        """
        turns = ((reply, delivery),)
        return self._register(path, method=method, turns=turns, read=read, continues=continues)

    def play_sequence(
        self,
        turns: Iterable[Reply | Turn],
        *,
        method: str | None = None,
        path: str | None = None,
        read: str = "first",
        continues: bool = True,
    ) -> Exchange:
        """Answer the nth request to one target with the nth turn, and then none; see `play`."""
        pairs = tuple((turn, PLAIN) if isinstance(turn, Reply) else turn for turn in turns)
        return self._register(
            path, method=method, turns=pairs, once=True, read=read, continues=continues
        )

    def silent(
        self,
        reply: Reply = Reply(),  # noqa: B008 - frozen
        delivery: Delivery = PLAIN,
        *,
        path: str | None = None,
    ) -> Exchange:
        """Take requests to one target, and say nothing before a release."""
        return self.play(reply, replace(delivery, silent=True), path=path)

    def forget(self, exchange: Exchange) -> None:
        """Take an answer off the tape; its path is free again."""
        with self.changed:
            self._exchanges.pop((exchange.method, exchange.path), None)

    def _register(self, path: str | None, *, method: str | None, **options: Any) -> Exchange:
        with self.changed:
            target = path or f"/t/{next(self._numbers)}"
            exchange = Exchange(self, target, method, **options)
            if (method, target) in self._exchanges:
                raise ValueError(f"{exchange} is on the tape already")
            self._exchanges[method, target] = exchange
        return exchange

    # connections

    @property
    def open_connections(self) -> int:
        """How many connections the client has not closed, whatever the tape has done to them."""
        return len(self._open)

    @property
    def idle_connections(self) -> int:
        """How many open connections have no request under way."""
        with self.changed:
            return sum(player.idle for player in self._open)

    def wait_open(self, n: int, timeout: float = PATIENCE) -> None:
        """Until n connections are open."""
        self.wait(lambda: self.open_connections == n, lambda: f"{n} open connections", timeout)

    def wait_idle(self, n: int, timeout: float = PATIENCE) -> None:
        """Until n connections are idle."""
        self.wait(lambda: self.idle_connections == n, lambda: f"{n} idle connections", timeout)

    def wait_quiet(self, timeout: float = PATIENCE) -> None:
        """Until every connection is idle or closed."""
        self.wait(
            lambda: self.idle_connections == self.open_connections,
            lambda: "every connection idle or closed",
            timeout,
        )

    def close_idle(self, at_least: int = 1, timeout: float = PATIENCE) -> int:
        """Send FIN on every idle connection, once there are so many; gives their number."""
        with self.changed:
            players: list[Player] = []

            def ready() -> bool:  # one that was sent its FIN already counts no more
                players[:] = [one for one in self._open if one.idle and not one.dismissed]
                return len(players) >= at_least

            self.wait(ready, lambda: f"{at_least} idle connections to close", timeout)
            for player in players:
                player.dismissed = True
                player.peer.finish()
        return len(players)

    def wait(self, ready: Callable[[], bool], what: Callable[[], str], timeout: float) -> None:
        """Until `ready`, asked anew after each change; TimeoutError says what was awaited."""
        with self.changed:
            if not self.changed.wait_for(ready, timeout):
                raise TimeoutError(f"waited {timeout:g} s for {what()}; {self}")

    def wake(self) -> None:
        """Have every connection that holds look again."""
        with self.changed:
            for player in self._open:
                player.peer.wake()

    # for the players

    def find(self, request: Recorded) -> tuple[Exchange, Script]:
        """What answers this request, and how."""
        with self.changed:
            for method in (request.method, None):
                exchange = self._exchanges.get((method, request.target))
                if exchange and (played := exchange.begin(request.method)):
                    return exchange, played
            known = "\n".join(map(str, list(self._exchanges.values())[-20:]))
            asked = f"{request.method} {request.target}"
            reply = complaint(f"Nothing on the tape answers {asked}. The last answers:\n{known}\n")
            delivery = Delivery("content-length")
            stray = Exchange(self, request.target, request.method, ((reply, delivery),))
            stray.requests = self.unexpected
            return stray, script(reply, delivery, request.method)

    def note(self, player: Player, *, idle: bool) -> None:
        """Note whether a connection is idle."""
        with self.changed:
            player.idle = idle
            self.changed.notify_all()

    def left(self, player: Player) -> None:
        """Note that a connection is no more."""
        with self.changed:
            self._open.discard(player)
            self.changed.notify_all()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._alarm, selectors.EVENT_READ)
            while all(key.fileobj is self._listener for key, _ in selector.select()):
                with suppress(BlockingIOError, ConnectionError):  # it has left already
                    self._begin(self._listener.accept()[0])

    def _begin(self, sock: socket.socket) -> None:
        with self.changed:
            self.connections += 1
            player = Player(self, Peer(sock, self.connections))
            self._open.add(player)
            self.changed.notify_all()
        player.start()
        self._threads = [player, *(other for other in self._threads if other.is_alive())]


def loop_step(
    loop: asyncio.AbstractEventLoop, turns: int = 3, limit: float = 0.05
) -> Callable[[], None]:
    """A `step` that lets the client's event loop poll, and read, before the next segment.

    Args:
        loop: the loop that the client runs in, in another thread than the caller of the step.
        turns: how many times it goes round. The segment is read within three; a consumer that is
            to have taken it as well needs more.
        limit: seconds to wait for a loop that is busy; none for one that does not run.
    """

    def step() -> None:
        done = threading.Event()

        def hop(left: int) -> None:
            if left:
                loop.call_soon(hop, left - 1)
            else:
                done.set()

        if loop.is_running():
            with suppress(RuntimeError):  # closed in between
                loop.call_soon_threadsafe(hop, turns - 1)
                done.wait(limit)

    return step
