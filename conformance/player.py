"""The thread that serves one connection of the tape, request after request.

It takes a head, finds the exchange, and plays its script. A connection that the tape ends gets FIN
and then counts as open until the client has closed its side too: a client that forgets is seen.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.delivery import Close, Delivery, Hold, Repeat, Reply, Reset, Script, Send, script
from conformance.peer import Gone, Malformed, Peer, Recorded

if TYPE_CHECKING:
    from conformance.exchange import Exchange
    from conformance.tape import Tape
    from conformance.wire import Parts

_CONTINUE = (memoryview(b"HTTP/1.1 100 Continue\r\n\r\n"),)


def complaint(text: str) -> Reply:
    """The answer to a request that nobody planned for."""
    plain = (("Content-Type", "text/plain; charset=utf-8"),)
    return Reply(599, plain, text.encode(), "Unexpected Request")


class Player(threading.Thread):
    """Serves `peer` until either side has had enough."""

    def __init__(self, tape: Tape, peer: Peer) -> None:
        super().__init__(name=f"tape, connection {peer.number}", daemon=True)
        self.peer = peer
        self.idle = False
        self.dismissed = False
        self._reset = False
        self._tape = tape

    def run(self) -> None:
        """Answer requests; whatever happens, the socket is closed."""
        try:
            with suppress(Gone):
                while self._answer():
                    pass
        finally:
            self._tape.left(self)
            self.peer.close(reset=self._reset)

    def _answer(self) -> bool:
        self._idle()
        if self.dismissed:
            return False
        try:
            request = self.peer.head()
        except Malformed as error:
            self._refuse(error)
            return False
        exchange, played = self._tape.find(request)
        how = self._exchange(exchange, request, played)
        exchange.ended(how)
        if how == "server-closed":
            self.peer.drain()
        self._reset = how == "server-reset"
        return how == "kept"

    def _idle(self) -> None:
        if self.peer.quiet:
            self._tape.note(self, idle=True)
            try:
                self.peer.listen()
            finally:
                self._tape.note(self, idle=False)

    def _exchange(self, exchange: Exchange, request: Recorded, played: Script) -> str:
        try:
            return self._converse(exchange, request, played)
        except Malformed as error:
            self._say(complaint(str(error)))
            return "malformed"
        except Gone as gone:
            return "tape-closed" if self._tape.closing else str(gone)

    def _converse(self, exchange: Exchange, request: Recorded, played: Script) -> str:
        if exchange.read != "first":
            exchange.record(request)
        if exchange.read == "held":
            self._hold(exchange, reading=False)
        if exchange.read != "last":
            self._receive(exchange, request)
        how = self._play(exchange, played)
        if how == "kept" and not request.stays:
            how = "server-closed"
        if how == "server-closed":
            self.peer.finish()
        if exchange.read == "last" and how == "kept":
            self._receive(exchange, request)
        elif exchange.read == "last" and how == "server-closed":
            with suppress(Gone):
                self._receive(exchange, request)
        return how

    def _receive(self, exchange: Exchange, head: Recorded) -> None:
        if exchange.continues and head.says("expect", "100-continue"):
            self.peer.send(_CONTINUE, exchange.count)
        body = bytearray()
        complete = False
        try:
            self.peer.body(head, body)
            complete = True
        finally:
            raw = bytes(self.peer.raw)
            request = replace(head, body=bytes(body), raw=raw, complete=complete)
            exchange.record(request, None if exchange.read == "first" else head)

    def _play(self, exchange: Exchange, played: Script) -> str:
        for step in played.steps:
            match step:
                case Repeat(parts):
                    while True:
                        self._send(exchange, parts, last=False)
                case Send(parts):
                    self._send(exchange, parts, last=step is played.steps[-1])
                case Hold():
                    self._hold(exchange, reading=True)
                case Close():
                    return "server-closed"
                case Reset():
                    return "server-reset"
        return "kept"

    def _send(self, exchange: Exchange, parts: Parts, *, last: bool) -> None:
        self.peer.send(parts, exchange.count)
        if not last and (step := self._tape.step):
            step()

    def _hold(self, exchange: Exchange, *, reading: bool) -> None:
        exchange.arrived()
        self.peer.hold(exchange.may_pass, reading=reading)

    def _refuse(self, error: Malformed) -> None:
        raw = bytes(self.peer.raw)
        self._tape.unexpected.append(
            Recorded("", "", "", (), b"", raw, self.peer.number, complete=False)
        )
        self._say(complaint(str(error)))
        self.peer.finish()
        self.peer.drain()

    def _say(self, reply: Reply) -> None:
        with suppress(Gone):
            for step in script(reply, Delivery("content-length", connection_close=True)).steps:
                if isinstance(step, Send):
                    self.peer.send(step.parts, lambda _: None)
