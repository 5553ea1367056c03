"""Faults in what is raised, and in what it says."""

from __future__ import annotations

import httpx

from fasthttp import BlockedAddress
from fasthttp.response import Response
from fasthttp.stream import AdaptedStream
from tests.saboteurs import Sabotaged, saboteur


class Failing(Sabotaged):
    """Changes what is raised before there is a response."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        raise NotImplementedError

    async def _send(self, request: httpx.Request) -> Response:
        try:
            return await super()._send(request)
        except BlockedAddress:
            raise
        except httpx.RequestError as error:
            return self.failed(error, request)


@saboteur("errors-family", "lifecycle-no-repeat")
class ResetIsForeign(Failing):
    """A reset before the head comes out as Python's own exception."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        raise ConnectionResetError(str(error)) if isinstance(error, httpx.ReadError) else error


@saboteur("errors-request")
class NoRequest(Failing):
    """The exception is made where the request is not known."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        raise type(error)(str(error)) from error


@saboteur("errors-message", "security-loop")
class NoMessage(Failing):
    """The exception is passed on without a word (B57)."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        raise error if isinstance(error, httpx.ConnectError) else type(error)("", request=request)


@saboteur("errors-message")
class NowhereInParticular(Failing):
    """It is not said what could not be reached."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        if isinstance(error, httpx.ConnectError):
            raise httpx.ConnectError("all attempts failed", request=request) from error
        raise error


@saboteur(
    "errors-family",
    "errors-connect",
    "security-answers",
    "security-loopback",
    "security-unresolved",
)
class RefusedIsForeign(Failing):
    """A refused connection comes out as Python's own exception."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        raise OSError(str(error)) if isinstance(error, httpx.ConnectError) else error


@saboteur(
    "errors-no-response",
    "events-backoff",
    "events-give-up",
    "events-last-event-id",
    "events-reconnect",
    "events-reconnect-off",
    "security-slow-head",
)
class HalfAHeadIsEnough(Failing):
    """An end amid the head is taken for an empty response."""

    def failed(self, error: httpx.RequestError, request: httpx.Request) -> Response:
        if "bytes of the headers" in str(error):
            return Response(200, request=request, stream=AdaptedStream(httpx.ByteStream(b"")))
        raise error
