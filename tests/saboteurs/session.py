"""Faults of the session itself: the block, `stream()`, the verbs, responses, redirects."""

from __future__ import annotations

import asyncio
import json as jsonlib
import re
from typing import TYPE_CHECKING, Any, cast

import httpx

from fasthttp import framing
from fasthttp.session import StreamContext
from fasthttp.stream import BlockStream
from tests.saboteurs import Sabotaged, saboteur

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from fasthttp.response import Response

KNOWN_METHODS = {"GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "TRACE"}


class _Delegate:
    """Has everything that another object has, and is not that object."""

    def __init__(self, other: object) -> None:
        self._other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._other, name)


# Opening and closing


@saboteur("security-loopback", "session-context")
class TimeoutIsRequired(Sabotaged):
    """Cannot be made without a timeout."""

    def __init__(self, *, timeout: float | None, **arguments: Any) -> None:
        super().__init__(timeout=timeout, **arguments)


@saboteur("session-context")
class GivesAView(Sabotaged):
    """The block gives another object than the session."""

    async def __aenter__(self) -> Self:
        return cast("Self", _Delegate(await super().__aenter__()))


@saboteur("session-closed", "session-closed-message", "session-unopened")
class OpensItself(Sabotaged):
    """Opens quietly when it is used while closed."""

    def _check_open(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()


@saboteur("session-closed")
class SendsLate(Sabotaged):
    """Looks whether it is open when a block is made, and not when the block is entered."""

    async def _send(self, request: httpx.Request) -> Response:
        await self.open()
        return await super()._send(request)


@saboteur("session-closed-message")
class SaysOnlyClosed(Sabotaged):
    """Refuses to work, and does not say what to do."""

    def _check_open(self) -> None:
        if self._loop is None:
            raise RuntimeError("closed")


@saboteur("session-open-close")
class SecondCloseRaises(Sabotaged):
    """Cannot be closed when it is closed."""

    async def close(self) -> None:
        if self._loop is None:
            raise RuntimeError("not open: use async with")
        await super().close()


# Streams


@saboteur("session-stream")
class OtherNames(Sabotaged):
    """A parameter has another name than the documented one."""

    def stream(self, method: str, address: str, **named: Any) -> StreamContext:  # type: ignore[override] # the fault
        return super().stream(method, address, **named)


class _Ahead(BlockStream):
    """A stream whose first block has been read already."""

    def __init__(self, first: bytes, rest: BlockStream) -> None:
        self._first, self._rest = first, rest

    async def read_block(self) -> bytes:
        first, self._first = self._first, b""
        return first or await self._rest.read_block()

    async def aclose(self) -> None:
        await self._rest.aclose()


@saboteur("session-status-first")
class AwaitsTheBody(Sabotaged):
    """The block is entered when the body has begun (B45)."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        try:
            response.stream = _Ahead(await response.stream.read_block(), response.stream)
        except BaseException as error:
            await response.aclose()
            if isinstance(error, httpx.RequestError):
                error.request = request
            raise
        return response


@saboteur(
    "body-aread",
    "body-content",
    "session-response-head",
    "session-response-reason",
    "session-status-silent",
)
class RaisesForStatus(Sabotaged):
    """404 is raised, and the body is gone with it."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        if response.status_code == 404:
            await response.aclose()
            response.raise_for_status()
        return response


class _Changed(StreamContext):
    """A stream's context, with something done to what it yields."""

    def __init__(self, context: StreamContext, change: Callable[[Response], Any]) -> None:
        super().__init__(context._send, context.request)
        self._change = change

    async def __aenter__(self) -> Any:
        return self._change(await super().__aenter__())


@saboteur("session-response-type")
class YieldsALookalike(Sabotaged):
    """What it yields has all of a response's attributes, and is none."""

    def stream(self, *positional: Any, **named: Any) -> Any:
        return _Changed(super().stream(*positional, **named), _Delegate)


class _Complaining(StreamContext):
    """A stream's context that looks at what is left when it is left."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        response = self._response
        exchange = getattr(getattr(response, "stream", None), "_exchange", None)
        unread = sum(map(len, exchange._blocks)) if exchange else 0
        await super().__aexit__(exc_type, exc_value, traceback)
        if (
            response is not None
            and unread > 1000
            and str(unread) == response.headers.get("content-length")
        ):
            raise RuntimeError(f"{unread} bytes of the body have not been read")


@saboteur("session-leave-early")
class ComplainsWhenLeft(Sabotaged):
    """Leaving a body of some size that has come whole, and was not looked at, is an error (B51)."""

    def stream(self, *positional: Any, **named: Any) -> StreamContext:
        context = super().stream(*positional, **named)
        return _Complaining(context._send, context.request)


# Responses


@saboteur("session-response-head")
class JoinsHeaders(Sabotaged):
    """Repeated header lines become one."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        response.headers = httpx.Headers(dict(response.headers))
        return response


def _unfolded(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    return framing.parse_headers([line for line in lines if line[:1] not in b" \t"])


@saboteur("session-response-fold", "session-response-control")
class DropsFolds(Sabotaged):
    """Drops the lines in which a header goes on."""

    patches = {"fasthttp.http1.parse_headers": _unfolded}


@saboteur("session-response-control")
class TakesControls(Sabotaged):
    """Takes a value up to the end of its line, whatever is in it."""

    patches = {"fasthttp.framing._HEADER": re.compile(rb"([^:]+):[ \t]*([^\n]*)")}


@saboteur("session-response-control")
class TakesControlsInFolds(Sabotaged):
    """Looks into the first line of a value only."""

    patches = {"fasthttp.framing._NOT_IN_A_VALUE": re.compile(rb"(?!)")}


@saboteur("session-response-request")
class UrlAsGiven(Sabotaged):
    """The response's request has the url that the caller gave."""

    def stream(self, method: str, url: str, **named: Any) -> Any:
        def change(response: Response) -> Response:
            if not response.history:
                response.request = httpx.Request(method, url, headers=response.request.headers)
            return response

        return _Changed(super().stream(method, url, **named), change)


@saboteur("events-give-up", "session-response-progress")
class CountsNothing(Sabotaged):
    """The count belongs to a way of reading that is not used."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        response._count = lambda size: None  # type: ignore[method-assign] # the fault
        return response


# Methods and content


@saboteur("session-method")
class DashesAreUnknown(Sabotaged):
    """A method with a dash is not in its table."""

    def _build(self, method: str, *rest: Any) -> httpx.Request:
        return super()._build("GET" if method == "M-SEARCH" else method, *rest)


@saboteur("session-response-reason")
class ReasonOfTheNumber(Sabotaged):
    """The reason phrase is looked up in a table."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        response.extensions.pop("reason_phrase", None)
        return response


@saboteur("session-method-upper")
class MethodAsWritten(Sabotaged):
    """The method goes out in whatever case it was written."""

    def _build(self, method: str, *rest: Any) -> httpx.Request:
        request = super()._build(method, *rest)
        request.method = method
        return request


@saboteur("session-method-refused", "session-refusal-named")
class CleansMethods(Sabotaged):
    """What is no token is deleted from methods."""

    def _build(self, method: str, *rest: Any) -> httpx.Request:
        return super()._build(re.sub(r"[^\w-]", "", method, flags=re.ASCII) or "GET", *rest)


@saboteur("session-refusal-named")
class MethodIsAProtocolError(Sabotaged):
    """A method that is none is refused as a failed request."""

    def _build(self, method: str, *rest: Any) -> httpx.Request:
        try:
            return super()._build(method, *rest)
        except ValueError as error:
            if "method" not in str(error):
                raise
            raise httpx.LocalProtocolError(str(error)) from error


@saboteur("session-method-defaults")
class TableOfMethods(Sabotaged):
    """The session's headers are looked up by method (B73)."""

    def _build(self, method: str, *rest: Any) -> httpx.Request:
        kept = self._headers
        if method.upper() not in KNOWN_METHODS:
            self._headers = ()
        try:
            return super()._build(method, *rest)
        finally:
            self._headers = kept


@saboteur("session-method-defaults")
class TableOfTimeouts(Sabotaged):
    """The session's timeout is looked up by method (B73)."""

    def _build(self, method: str, *rest: Any) -> httpx.Request:
        request = super()._build(method, *rest)
        if method.upper() not in KNOWN_METHODS:
            request.extensions["timeout"] = {}
        return request


@saboteur("session-content")
class GetHasNoBody(Sabotaged):
    """The content of a GET is left away."""

    def _build(
        self, method: str, url: httpx.URL, headers: Any, body: bytes | None, *rest: Any
    ) -> httpx.Request:
        kept = None if method.upper() == "GET" else body
        return super()._build(method, url, headers, kept, *rest)


@saboteur("session-content")
class ContentIsText(Sabotaged):
    """The content is taken for text, and encoded again."""

    def _build(
        self, method: str, url: httpx.URL, headers: Any, body: bytes | None, *rest: Any
    ) -> httpx.Request:
        text = None if body is None else body.decode("utf-8", "replace").encode()
        return super()._build(method, url, headers, text, *rest)


@saboteur("session-content-type")
class OctetStream(Sabotaged):
    """Content without a type is given one (B86)."""

    def _build(
        self, method: str, url: httpx.URL, headers: Any, body: bytes | None, *rest: Any
    ) -> httpx.Request:
        request = super()._build(method, url, headers, body, *rest)
        if body is not None and "content-type" not in request.headers:
            request.headers["Content-Type"] = "application/octet-stream"
        return request


@saboteur("session-content-kinds")
class EncodesText(Sabotaged):
    """A str as content is encoded by guess (B86)."""

    def stream(self, method: str, url: str, *, content: Any = None, **named: Any) -> StreamContext:
        given = content.encode() if isinstance(content, str) else content
        return super().stream(method, url, content=given, **named)


# The verbs


@saboteur("lifecycle-cancel", "body-replay-sync", "session-verbs-whole")
class GetIsUnread(Sabotaged):
    """What `get()` returns was never read."""

    async def get(self, url: str, *, params: Any = None, **named: Any) -> Response:
        if params is not None:
            return await super().get(url, params=params, **named)
        return await self.stream("GET", url, **named).__aenter__()


@saboteur("session-verbs-payloads", "session-verbs")
class PutIsPost(Sabotaged):
    """One verb goes its own way."""

    async def put(self, url: str, **named: Any) -> Response:
        return await self.request("POST", url, **named)


@saboteur("session-verbs-payloads")
class JsonHasNoType(Sabotaged):
    """JSON goes out without saying so."""

    async def request(self, method: str, url: str, *, json: Any = None, **named: Any) -> Response:
        if json is not None:
            named["content"] = jsonlib.dumps(json).encode()
        return await super().request(method, url, **named)


# Cookies and redirects


@saboteur("session-cookies")
class KeepsCookies(Sabotaged):
    """There is a cookie jar that nobody asked for."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._jar = httpx.Cookies()

    async def _exchange(self, request: httpx.Request) -> Response:
        if "cookie" not in request.headers:
            self._jar.set_cookie_header(request)
        response = await super()._exchange(request)
        self._jar.extract_cookies(response)
        return response


@saboteur("session-redirects-off")
class VerbsFollow(Sabotaged):
    """`get()` follows redirects and `stream()` does not (B87)."""

    async def request(self, *positional: Any, **named: Any) -> Response:
        kept, self._follow_redirects = self._follow_redirects, True
        try:
            return await super().request(*positional, **named)
        finally:
            self._follow_redirects = kept


@saboteur("security-loop", "session-redirects-limit")
class TenRedirects(Sabotaged):
    """Gives up half-way."""

    async def _following(self, response: Response) -> httpx.Request | None:
        if self._follow_redirects and len(response.history) > 10:
            await response.aclose()
            raise httpx.TooManyRedirects("over 10 redirects", request=response.request)
        return await super()._following(response)


@saboteur(
    "errors-request",
    "security-loop",
    "session-redirects-followed",
    "session-redirects-history",
    "session-redirects-limit",
)
class TwoRedirects(Sabotaged):
    """The third redirect is taken for the final response."""

    async def _following(self, response: Response) -> httpx.Request | None:
        return None if len(response.history) > 1 else await super()._following(response)


@saboteur("session-redirects-history")
class ForgetsHistory(Sabotaged):
    """The responses on the way are not kept."""

    async def _send(self, request: httpx.Request) -> Response:
        response = await super()._send(request)
        response.history = []
        return response


@saboteur("session-redirects-content")
class SentEmptyAgain(Sabotaged):
    """The content was consumed, and is sent empty after a redirect (B88)."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        if request is None or not request.content:
            return request
        fields = [pair for pair in request.headers.raw if pair[0].lower() != b"content-length"]
        again = httpx.Request(request.method, request.url, headers=fields, content=b"")
        again.extensions = request.extensions
        return again


@saboteur("session-redirects-content-type")
class KeepsTheType(Sabotaged):
    """The content is left behind, and its type is not."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        if request is not None and "content-type" in response.request.headers:
            request.headers["Content-Type"] = response.request.headers["content-type"]
        return request


@saboteur("session-redirects-origin", "session-redirects-origin-others")
class StripsAuthorization(Sabotaged):
    """Of all that may be secret, only Authorization stays behind (B84)."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        for name, value in response.request.headers.items() if request else ():
            if name not in ("authorization", "host", "content-length", "content-type"):
                cast("httpx.Request", request).headers[name] = value
        return request


@saboteur("session-redirects-origin-others")
class KnowsWhatIsSecret(Sabotaged):
    """What is sensitive is listed, and all else goes along (B84)."""

    async def _following(self, response: Response) -> httpx.Request | None:
        request = await super()._following(response)
        for name, value in response.request.headers.items() if request else ():
            if name in ("x-mine", "x-tenant", "if-none-match"):
                cast("httpx.Request", request).headers[name] = value
        return request
