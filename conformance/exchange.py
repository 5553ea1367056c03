"""An answer on the tape: what it plays, and what became of it.

Clients' requests, in `requests`, and the ends of the answers, in `ends`, are in the order in which
they came. An answer ended "kept" (handed over in full, connection still there), "server-closed",
"server-reset", "client-closed", "client-reset", "malformed" (the request) or "tape-closed".
`begin`, `record`, `count`, `may_pass` and `ended` are for the player.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.delivery import Delivery, Reply, Script, script

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.peer import Recorded
    from conformance.tape import Tape

PATIENCE = 10.0  # seconds
READS = ("first", "last", "held")

Turn = tuple[Reply, Delivery]


@dataclass(eq=False)
class Exchange:
    """Made by `Tape.play` and its kin, where the options are explained."""

    tape: Tape = field(repr=False)
    path: str
    method: str | None
    turns: tuple[Turn, ...]
    once: bool = False
    read: str = "first"
    continues: bool = True
    requests: list[Recorded] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    sent: int = 0  # bytes handed to the kernel
    holds: int = 0  # how often the tape came to a hold

    def __post_init__(self) -> None:
        if self.read not in READS:
            raise ValueError(f"unknown read {self.read!r}; known: {', '.join(READS)}")
        self._begun = 0
        self._permits = 0
        self._unbarred = False
        self._scripts: dict[tuple[int, bool], Script] = {}
        for turn in range(len(self.turns)):
            self._script(turn, self.method or "GET")

    def __str__(self) -> str:
        return f"{self.method or 'any method'} {self.path}"

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return self.tape.url + self.path if self.path.startswith("/") else self.path

    @property
    def state(self) -> str:
        """What has happened so far, for messages."""
        return (
            f"{self}: {len(self.requests)} requests, {self.holds} holds, "
            f"{self.sent} bytes sent, ended: {', '.join(self.ends) or 'none'}"
        )

    def release(self, n: int = 1) -> None:
        """Let the tape go on behind the next n holds."""
        with self.tape.changed:
            self._permits += n
        self.tape.wake()

    def release_all(self) -> None:
        """Hold nothing any more."""
        with self.tape.changed:
            self._unbarred = True
        self.tape.wake()

    def wait_request(self, timeout: float = PATIENCE, *, n: int = 1) -> Recorded:
        """The nth request; with `read` "last" or "held" it is here before its body."""
        self._wait(lambda: len(self.requests) >= n, f"request {n}", timeout)
        return self.requests[n - 1]

    def wait_held(self, timeout: float = PATIENCE, *, n: int = 1) -> None:
        """Until the tape has come to its nth hold: all that lies before it has been sent."""
        self._wait(lambda: self.holds >= n, f"hold {n}", timeout)

    def wait_end(self, timeout: float = PATIENCE, *, n: int = 1) -> str:
        """How the nth answer ended."""
        self._wait(lambda: len(self.ends) >= n, f"end {n}", timeout)
        return self.ends[n - 1]

    def _wait(self, ready: Callable[[], bool], what: str, timeout: float) -> None:
        self.tape.wait(ready, lambda: f"{what} of {self.state}", timeout)

    def begin(self, method: str) -> Script | None:
        """What answers the next request; None if a sequence has come to its end."""
        turn = self._begun
        if self.once and turn >= len(self.turns):
            return None
        self._begun += 1
        return self._script(min(turn, len(self.turns) - 1), method)

    def _script(self, turn: int, method: str) -> Script:
        key = (turn, method == "HEAD")
        if key not in self._scripts:
            self._scripts[key] = script(*self.turns[turn], method)
        return self._scripts[key]

    def record(self, request: Recorded, before: Recorded | None = None) -> None:
        """Note a request, in the place of what was known of it before."""
        with self.tape.changed:
            if before is None:
                self.requests.append(request)
            else:
                places = [place for place, known in enumerate(self.requests) if known is before]
                self.requests[places[0]] = request
            self.tape.changed.notify_all()

    def count(self, sent: int) -> None:
        """Note bytes that went out."""
        with self.tape.changed:
            self.sent += sent
            self.tape.changed.notify_all()

    def arrived(self) -> None:
        """Note that the tape has come to a hold."""
        with self.tape.changed:
            self.holds += 1
            self.tape.changed.notify_all()

    def may_pass(self) -> bool:
        """Whether a hold is over; uses up one release."""
        with self.tape.changed:
            if self._unbarred or self.tape.closing:
                return True
            if not self._permits:
                return False
            self._permits -= 1
            return True

    def ended(self, how: str) -> None:
        """Note how an answer ended."""
        with self.tape.changed:
            self.ends.append(how)
            self.tape.changed.notify_all()
