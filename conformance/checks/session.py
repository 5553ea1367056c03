"""Checks of chapter session: the block, `stream()`, the verbs, content and responses.

Where a rule is about when something happens, the tape holds back what has not happened yet. The
page's six programs are here too, each under the rule that it illustrates, over recorded responses.
What other chapters' checks share is at the top: `recorded`, `call`, `refused`, `explore`, `to`.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import tempfile
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

from conformance import cassettes
from conformance.case import expect_message, is_error, show_arguments
from conformance.checks.refusals import refuses
from conformance.delivery import FRAMINGS, Delivery, Reply, script
from conformance.registry import check, searched
from conformance.strategies import search
from conformance.verdicts import Deviation, NotApplicable, compare

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from conformance.case import Case
    from conformance.court import Court
    from conformance.exchange import Exchange
    from conformance.peer import Recorded

LENGTH = Delivery("content-length")
CALLS = ("stream", "request")  # the two ways to make the same request
ARRIVAL = 2.0  # seconds in which what has been sent must have had its effect


def recorded(name: str, number: int = 0, origin: str = "") -> Reply:
    """A recorded response, to be framed anew; `origin` takes the recorded server's place."""
    response = cassettes.load(name)[number].response
    headers = response.entity_headers
    if origin:
        headers = tuple((key, v.replace("http://httpbin.test", origin)) for key, v in headers)
    return Reply(response.status, headers, response.body, response.reason)


async def call(
    case: Case, session: Any, how: str, method: str, url: str, **arguments: Any
) -> httpx.Response:
    """Make a request through `stream()` or `request()`, and read its response."""
    case.note(f"session.{how}({show_arguments(method, url, **arguments)})")
    response: httpx.Response
    if how == "request":
        response = await session.request(method, url, **arguments)
        return response
    async with session.stream(method, url, **arguments) as response:
        await response.aread()
    return response


async def refused(
    case: Case, names: list[str], act: Callable[[], Awaitable[object]], *messages: str
) -> None:
    """The act raises one of these exceptions, and nothing is connected."""
    connections = case.tape.connections
    try:
        got = await act()
    except Exception as error:
        if not is_error(error, names):
            raise Deviation("wrong-exception", " or ".join(names), error) from error
        expect_message(error, messages)
    else:
        raise Deviation("no-exception", " or ".join(names), got)
    if case.tape.connections != connections:
        raise Deviation("sent-extra", "no connection", "a connection", "refused after connecting")


def explore(
    court: Court,
    strategy: st.SearchStrategy[Any],
    play: Callable[..., Coroutine[Any, Any, None]],
) -> None:
    """Let Hypothesis draw tuples of arguments for a check."""
    search(court, strategy, lambda case, drawn: play(case, *drawn))


async def together(*waits: Awaitable[None]) -> None:
    """Await them all at once, every one to its end; then raise the first exception, if any."""
    for outcome in await asyncio.gather(*waits, return_exceptions=True):
        if outcome is not None:
            raise outcome


def only(exchange: Exchange) -> Recorded:
    """The one request that an exchange has had."""
    if len(exchange.requests) != 1:
        raise Deviation("sent-wrong", "one request", [request.raw for request in exchange.requests])
    return exchange.requests[0]


def lines_of(request: Recorded, name: str) -> list[str]:
    """The values of a header as received."""
    return [value.decode("latin-1") for value in request.values(name)]


def to(location: str, status: int = 302) -> Reply:
    """A redirect."""
    return Reply(status, (("Location", location),), b"moved", "Moved")


SECRETS = {
    "Authorization": "Bearer s",
    "X-Api-Key": "k",
    "Cookie": "a=b",
    "Proxy-Authorization": "p",
    "X-Csrf-Token": "t",
    "Client-Secret": "c",
}


# Opening and closing


async def _gone(case: Case, before: int) -> None:
    """The connections that were opened since are closed."""
    tape = case.tape
    try:
        await asyncio.to_thread(
            tape.wait, lambda: tape.open_connections <= before, lambda: "a close", ARRIVAL
        )
    except TimeoutError:
        raise Deviation("leak", before, tape.open_connections, "open connections") from None


@check("session-context")
async def block(case: Case) -> None:
    """Nothing is required, the block gives the session, and its end closes the connections."""
    case.note("async with AsyncSession() as session: ...")
    session = case.subject.make()
    async with session as entered:
        if entered is not session:
            raise Deviation("wrong-value", session, entered, "what the block gives")
    before = case.tape.open_connections
    exchange = case.play(Reply(body=b"ok"), LENGTH)
    arguments: dict[str, Any] = {"base_url": case.tape.url, "headers": {"X-Trace": "1"}}
    async with case.opened(**arguments, timeout=5.0, security=False) as session:
        response = await call(case, session, "stream", "GET", exchange.path)
        compare(b"ok", response.content)
    compare(["1"], lines_of(only(exchange), "x-trace"), "the session's header on the wire")
    await _gone(case, before)


@check("session-open-close")
async def open_and_close(case: Case) -> None:
    """The two methods do what the block does, twice as well as once."""
    case.note("await session.open(); ...; await session.close()")
    before = case.tape.open_connections
    exchange = case.play(Reply(body=b"ok"), LENGTH)
    session = case.session()
    if lacking := [name for name in ("open", "close") if not hasattr(session, name)]:
        raise Deviation("missing", ["open", "close"], lacking, "methods that are not there")
    await session.close()
    for _ in range(2):
        await session.open()
    response = await call(case, session, "stream", "GET", exchange.url)
    compare(b"ok", response.content)
    for _ in range(2):
        await session.close()
    await _gone(case, before)


async def _after_closing(case: Case, *, message: bool) -> None:
    session = case.session()
    async with session:
        pass
    for how in CALLS:

        async def act(how: str = how) -> object:
            return await call(case, session, how, "GET", f"{case.tape.url}/closed")

        try:
            await (_says_what_to_do(act) if message else refuses(case, act))
        finally:
            await _close_quietly(session)


@check("session-closed")
async def use_after_closing(case: Case) -> None:
    """After it is closed, every call raises."""
    await _after_closing(case, message=False)


@check("session-closed")
async def entered_after_closing(case: Case) -> None:
    """A block that was made while the session was open sends nothing once it is closed."""
    session = case.session()
    async with session:
        late = session.stream("GET", f"{case.tape.url}/late")
    case.note("block = session.stream(...); await session.close(); async with block: ...")
    try:
        await refuses(case, late.__aenter__)
    finally:
        await _close_quietly(session)


@check("session-closed-message")
async def closed_and_told_so(case: Case) -> None:
    """What is raised is RuntimeError, and says how to go on."""
    await _after_closing(case, message=True)


@check("session-unopened")
async def use_before_opening(case: Case) -> None:
    """Passes for a session that refuses; one that opens itself is noted so."""
    session = case.session()
    try:
        await refuses(case, lambda: call(case, session, "stream", "GET", f"{case.tape.url}/early"))
    finally:
        await _close_quietly(session)


async def _close_quietly(session: Any) -> None:
    """Close a session that ought not to be open, so that the verdict is all that is left."""
    with suppress(Exception):
        await session.__aexit__(None, None, None)


async def _says_what_to_do(act: Callable[[], Awaitable[object]]) -> None:
    try:
        await act()
    except RuntimeError as error:
        if not any(word in str(error).lower() for word in ("open", "async with", "new ")):
            note = "nothing in it says how to go on"
            raise Deviation("wrong-value", "a message that names what to do", error, note) from None
    except Exception as error:
        raise Deviation("wrong-exception", "RuntimeError", error) from error
    else:
        raise Deviation("no-exception", "RuntimeError")


# Streams


@check("session-stream")
async def one_request_on_entering(case: Case) -> None:
    """Positional and by name, with what is left out as None; nothing goes out before the block."""
    async with case.opened() as session:
        for arguments in ({}, {"headers": None, "content": None, "timeout": None}):
            waiting, other = (case.play(Reply(body=b"ok"), LENGTH) for _ in range(2))
            context = session.stream(method="GET", url=waiting.url, **arguments)
            await call(case, session, "stream", "GET", other.url)
            if waiting.requests:
                raise Deviation("sent-extra", [], waiting.requests, "sent before it was entered")
            async with context as response:
                await response.aread()
            only(waiting)
        full = case.play(Reply(body=b"ok"), LENGTH)
        given: dict[str, Any] = {"headers": {"X-A": "1"}, "content": b"xyz", "timeout": 5.0}
        await call(case, session, "stream", "POST", full.url, **given)
    compare((b"xyz", ["1"]), (only(full).body, lines_of(only(full), "x-a")), "what was received")
    compare([], case.tape.unexpected[-1:] if _probed(case, full) else [], "another request")


def _probed(case: Case, exchange: Exchange) -> bool:
    """Whether a request went to a known path by a method that nobody asked for."""
    return any(request.target == exchange.path for request in case.tape.unexpected)


@check("session-status-first", limit=4)
async def head_before_body(case: Case) -> None:
    """The block is entered while the server holds back all of the body."""
    async with case.opened() as session:
        for framing in FRAMINGS:
            reply = Reply(206, (("X-Early", "yes"),), b"later")
            exchange = case.play(reply, Delivery(framing, held=(0,)))
            async with case.stream(session, "GET", exchange.url) as response:
                head = (response.status_code, response.headers.get("x-early"))
                compare((206, "yes"), head, "the head, before the body")
                exchange.release_all()
                compare(b"later", await response.aread())


STATUSES = [("httpbin/status", number) for number in range(6)] + [("sse/chat-error", 0)]


@check("session-status-silent")
async def no_status_raises(case: Case) -> None:
    """Recorded successes and errors come back as responses; `raise_for_status()` tells them."""
    async with case.opened() as session:
        for name, number in STATUSES:
            for how in CALLS:
                reply = recorded(name, number)
                response = await call(case, session, how, "GET", case.play(reply, LENGTH).url)
                compare(reply.status, response.status_code, "the status code")
                compare(reply.body, response.content, f"the body of status {reply.status}")
                _raises_when_asked(response)


def _raises_when_asked(response: httpx.Response) -> None:
    note = f"raise_for_status() for {response.status_code}"
    try:
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        if response.status_code < 300:
            raise Deviation("wrong-exception", None, error, note) from error
    else:
        if response.status_code >= 400:
            raise Deviation("no-exception", "httpx.HTTPStatusError", None, note)


# The response


@check("session-response-type")
async def is_the_documented_type(case: Case) -> None:
    """What the block gives is an httpx.Response."""
    exchange = case.play(Reply(body=b"ok"))
    async with case.opened() as session, case.stream(session, "GET", exchange.url) as response:
        if not isinstance(response, httpx.Response):
            raise Deviation("wrong-type", "httpx.Response", type(response))
        await response.aread()


HEADS = [
    ("httpbin/response-headers", 0),
    ("httpbin/cookies-set", 0),
    ("httpbin/range", 1),
    *STATUSES,
]


@check("session-response-head")
async def recorded_heads(case: Case) -> None:
    """Status, version and header lines of recorded responses are as they were sent."""
    async with case.opened() as session:
        for exchange in _heads(case):
            await _head_is_right(case, session, exchange)


def _heads(case: Case) -> Iterator[Exchange]:
    """Recorded answers, and an old one with words of its own."""
    for name, number in HEADS:
        yield case.play(recorded(name, number), LENGTH)
    old = Delivery("until-close", head=b"HTTP/1.0 200 Fine By Me\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
    yield case.play(Reply(), old)


def _sent_head(exchange: Exchange) -> list[str]:
    head = script(*exchange.turns[0]).head
    return head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")


@check("session-response-head", "white-space")
async def values_without_white_space(case: Case) -> None:
    """The white space around a value is none of it."""
    lines = b"X-A: \t one  two \t\r\nX-B:three\r\nX-C: \r\nContent-Length: 2 \r\n"
    head = b"HTTP/1.1 200 OK\r\n" + lines + b"\r\nok"
    exchange = case.play(Reply(), Delivery("until-close", head=head))
    async with case.opened() as session:
        response = await call(case, session, "stream", "GET", exchange.url)
    names = ("x-a", "x-b", "x-c", "content-length")
    got = [response.headers.get(name) for name in names]
    compare(["one  two", "three", "", "2"], got, f"the values of {', '.join(names)}")


@check("session-response-fold")
async def folded_values(case: Case) -> None:
    """What a value was folded with is white space."""
    folds = {"a space": b"one\r\n two", "tabs": b"one \t\r\n\t\ttwo", "twice": b"one\r\n \r\n two"}
    async with case.opened() as session:
        for how, value in folds.items():
            response = await _said(case, session, b"X-A: %b\r\nX-B: 3\r\n" % value)
            words = re.split("[ \t]+", response.headers.get("x-a", ""))
            compare(["one", "two"], words, f"the words, folded by {how}")
            compare("3", response.headers.get("x-b"), "the header behind it")


@check("session-response-control")
async def controls_in_values(case: Case) -> None:
    """Neither NUL nor a lone CR comes through as it is."""
    async with case.opened() as session:
        for before, control in product((b"", b"a\r\n "), (b"\0", b"\r")):
            value = before + b"b%bc" % control
            try:
                response = await _said(case, session, b"X-A: %b\r\n" % value)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError):
                continue
            words = "a b c" if before else "b c"
            compare(words, response.headers.get("x-a"), f"the value sent as {value!r}")


async def _said(case: Case, session: Any, lines: bytes) -> httpx.Response:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%b\r\n" % lines
    exchange = case.play(Reply(body=b"ok"), Delivery("content-length", head=head))
    response: httpx.Response = await call(case, session, "stream", "GET", exchange.url)
    return response


@check("session-response-reason")
async def recorded_reasons(case: Case) -> None:
    """The words behind the status are those that were sent."""
    async with case.opened() as session:
        for exchange in _heads(case):
            async with case.stream(session, "GET", exchange.url) as response:
                reason = _sent_head(exchange)[0].split(" ", 2)[2]
                compare(reason, response.reason_phrase, "the reason phrase")
                await response.aread()


async def _head_is_right(case: Case, session: Any, exchange: Exchange) -> None:
    first, *lines = _sent_head(exchange)
    version, status, _ = first.split(" ", 2)
    async with case.stream(session, "GET", exchange.url) as response:
        got = f"{response.http_version} {response.status_code}"
        compare(f"{version} {status}", got, "version and status")
        for name in {line.partition(": ")[0].lower() for line in lines}:
            expected = [v for n, _, v in (ln.partition(": ") for ln in lines) if n.lower() == name]
            compare(expected, response.headers.get_list(name), f"the header lines {name!r}")
        await response.aread()


@check("session-response-request")
async def knows_its_request(case: Case) -> None:
    """Request and url are those that were sent: resolved, with their method and headers."""
    async with case.opened(base_url=case.tape.url) as session:
        for how in CALLS:
            exchange = case.play(Reply(body=b"ok"))
            given: dict[str, Any] = {"headers": {"X-Call": "c"}, "content": b"abc"}
            response = await call(case, session, how, "POST", exchange.path, **given)
            asked = response.request
            got = [str(response.url), str(asked.url), asked.method]
            compare([exchange.url, exchange.url, "POST"], got, "url, request.url, request.method")
            compare("c", asked.headers.get("x-call"), "a header of response.request")


@check("session-response-progress")
async def counts_what_came(case: Case) -> None:
    """The count keeps up with the reader, and is of coded bytes at the end."""
    async with case.opened() as session:
        exchange = case.play(Reply(body=b"0123456789"), Delivery("content-length", held=(4,)))
        async with case.stream(session, "GET", exchange.url) as response:
            chunks = aiter(response.aiter_bytes())
            got = b""
            while len(got) < 4:
                got += await anext(chunks)
            compare(4, response.num_bytes_downloaded, "num_bytes_downloaded amid the body")
            exchange.release_all()
            async for _ in chunks:
                pass
            compare(10, response.num_bytes_downloaded, "num_bytes_downloaded at the end")
        coded = case.play(Reply(body=b"again " * 500), Delivery("chunked", codings=("gzip",)))
        sent = script(*coded.turns[0])
        async with case.stream(session, "GET", coded.url) as response:
            await response.aread()
        compare(len(sent.body), response.num_bytes_downloaded, "num_bytes_downloaded of gzip")


async def _unread(response: httpx.Response) -> None:
    """Leave without reading."""


async def _one_chunk(response: httpx.Response) -> None:
    async for _ in response.aiter_bytes():
        return


async def _one_line(response: httpx.Response) -> None:
    async for _ in response.aiter_lines():
        break


@check("session-leave-early")
async def leaving_is_no_error(case: Case) -> None:
    """Unread and half-read bodies are left behind, and the session goes on."""
    # One that comes with its head, and one that is still on its way.
    replies = [Reply(body=b"a line of many\n" * count) for count in (100, 20_000)]
    async with case.opened() as session:
        for reply, framing in product(replies, FRAMINGS):
            for way in (_unread, _one_chunk, _one_line):
                exchange = case.play(reply, Delivery(framing))
                async with case.stream(session, "GET", exchange.url) as response:
                    await way(response)
                following = case.play(Reply(body=b"the next answer"), LENGTH)
                after = await call(case, session, "stream", "GET", following.url)
                compare(b"the next answer", after.content, "the request after it")


# Methods and content


@check("session-method-defaults")
async def timeout_for_every_method(case: Case) -> None:
    """Unusual methods run into the session's timeout like any other."""

    async def silence(session: Any, method: str) -> None:
        exchange = case.play(Reply(body=b"one two"), Delivery("chunked", held=(3,)))
        case.note(f"session.stream({method!r}, url), the server falling silent")
        try:
            async with asyncio.timeout(ARRIVAL), session.stream(method, exchange.url) as response:
                await response.aread()
        except httpx.ReadTimeout:
            return
        except TimeoutError:
            raise Deviation("hang", "httpx.ReadTimeout", None, f"method {method}") from None
        raise Deviation("no-exception", "httpx.ReadTimeout", None, f"method {method}")

    async with case.opened(timeout=0.5) as session:
        methods = ("GET", "post", "PROPFIND", "REPORT")
        await together(*(silence(session, method) for method in methods))


@searched("session-content")
def content_drawn(court: Court) -> None:
    """Any bytes under any method arrive as they are, with their length."""
    methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
    drawn = st.tuples(methods, st.binary(min_size=1, max_size=3000), st.sampled_from(CALLS))
    explore(court, drawn, _content_arrives)


async def _content_arrives(case: Case, method: str, content: Any, how: str = "stream") -> None:
    exchange = case.play(Reply(body=b"ok"))
    async with case.opened() as session:
        await call(case, session, how, method, exchange.url, content=content)
    request = only(exchange)
    if request.body != bytes(content):
        raise Deviation("sent-wrong", bytes(content), request.body, "the body sent")
    framing = (lines_of(request, "content-length"), lines_of(request, "transfer-encoding"))
    expected: tuple[list[str], list[str]] = ([str(len(content))], [])
    if framing != expected:
        raise Deviation("sent-wrong", expected, framing, "Content-Length, Transfer-Encoding")


@check("session-content", "large")
async def large_content(case: Case) -> None:
    """What does not fit into one write arrives whole."""
    await _content_arrives(case, "POST", bytes(range(256)) * 8192)


@check("session-content-kinds")
async def kinds_of_content(case: Case) -> None:
    """Three kinds of bytes are taken, everything else is refused."""
    for content in (b"abc", bytearray(b"abc"), memoryview(b"abc")):
        await _content_arrives(case, "POST", content)

    async def pieces() -> Any:
        yield b"abc"

    for wrong in ("abc", 7, [b"abc"], {"a": "b"}, iter([b"abc"]), pieces()):
        for how in CALLS:
            async with case.opened() as session:
                url = case.play(Reply()).url

                async def act(
                    s: Any = session, how: str = how, wrong: Any = wrong, u: str = url
                ) -> object:
                    return await call(case, s, how, "POST", u, content=wrong)

                await refused(case, ["TypeError"], act)


@check("session-expect")
async def expectation(case: Case) -> None:
    """Passes for a client that waits for the 100; one that sends at once is noted so."""
    refusal = Reply(417, (), b"no", "Expectation Failed")
    exchange = case.play(refusal, LENGTH, read="last", continues=False)
    async with case.opened() as session:
        expecting: dict[str, Any] = {"headers": {"Expect": "100-continue"}, "content": b"abc"}
        response = await call(case, session, "stream", "POST", exchange.url, **expecting)
        compare(417, response.status_code, "the answer in place of 100")
    await asyncio.to_thread(exchange.wait_end)
    if only(exchange).body:
        raise Deviation("sent-extra", b"", only(exchange).body, "content is sent at once")


# The verbs


@check("session-verbs-whole")
async def verbs_wait_for_the_body(case: Case) -> None:
    """The verb is not done while a part is held back; then everything is in memory."""
    for verb in ("get", "post"):
        held, other = (
            case.play(Reply(body=b'["whole"]'), Delivery("chunked", held=(4,))),
            case.play(Reply()),
        )
        async with case.opened() as session:
            case.note(f"await session.{verb}({held.url!r})")
            making = asyncio.ensure_future(getattr(session, verb)(held.url))
            try:
                await asyncio.to_thread(held.wait_held)
                async with session.stream("GET", other.url) as passing:
                    await passing.aread()  # by now the first half has been seen too
                if making.done():
                    raise Deviation("missing", "a wait for the body", making.result(), verb)
                held.release_all()
                response = await making
            finally:
                making.cancel()
        got = (response.content, response.text, response.json())
        compare((b'["whole"]', '["whole"]', ["whole"]), got, "content, text, json()")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcé", max_size=3), inner),
    max_leaves=8,
)


@searched("session-verbs-payloads")
def json_drawn(court: Court) -> None:
    """A JSON value arrives as the same value, under its type."""
    explore(court, st.tuples(st.lists(JSON, min_size=1, max_size=3)), _json_arrives)


async def _json_arrives(case: Case, value: object) -> None:
    exchange = case.play(Reply(body=b"ok"))
    async with case.opened() as session:
        case.note(f"session.post(url, json={value!r})")
        await session.post(exchange.url, json=value)
    request = only(exchange)
    compare("application/json", _media_type(request), "the media type of Content-Type")
    compare(value, json.loads(request.body), "the body, read as JSON")


def _media_type(request: Recorded) -> str:
    """What Content-Type names, without its parameters."""
    return "; ".join(lines_of(request, "content-type")).partition(";")[0].strip().lower()


@check("session-verbs-payloads", "form")
async def form_arrives(case: Case) -> None:
    """A mapping as `data` goes out as a form."""
    exchange = case.play(Reply(body=b"ok"))
    async with case.opened() as session:
        case.note("session.post(url, data={'a': '1 2'})")
        await session.post(exchange.url, data={"a": "1 2"})
    expected = "application/x-www-form-urlencoded"
    compare(expected, _media_type(only(exchange)), "the media type of Content-Type")
    compare(b"a=1+2", only(exchange).body, "the body")


@check("session-verbs-payloads", "files")
async def files_arrive(case: Case) -> None:
    """A file goes out in multipart form, its bytes untouched."""
    data = b"one line\r\nand another\0"
    exchange = case.play(Reply(body=b"ok"))
    async with case.opened() as session:
        case.note(
            "session.post(url, files={'f': ('a.bin', data, 'image/x-mine')}, data={'k': 'v'})"
        )
        await session.post(
            exchange.url, files={"f": ("a.bin", data, "image/x-mine")}, data={"k": "v"}
        )
    kind, _, boundary = "".join(lines_of(only(exchange), "content-type")).partition("; boundary=")
    compare("multipart/form-data", kind, "Content-Type")
    edge = b"\r\n--" + boundary.encode()
    for part in (b"\r\n\r\n" + data + edge, b"\r\n\r\nv" + edge, b'filename="a.bin"'):
        if part not in only(exchange).body:
            raise Deviation("sent-wrong", part, only(exchange).body, "a part of the form")


# Cookies


@check("session-cookies")
async def no_jar(case: Case) -> None:
    """Recorded cookies are not sent back; the caller's own are, and nothing beside them."""
    for cookie in ([], ["mine=1"]):
        headers = dict.fromkeys(["Cookie"], cookie[0]) if cookie else {}
        async with case.opened() as session:
            for how in CALLS:
                setting = case.play(recorded("httpbin/cookies-set"), LENGTH)
                following = case.play(recorded("httpbin/cookies-set", 1), LENGTH)
                await call(case, session, how, "GET", setting.url)
                await call(case, session, how, "GET", following.url, headers=headers)
                got = lines_of(only(following), "cookie")
                if got != cookie:
                    raise Deviation("sent-wrong", cookie, got, "the Cookie lines on the wire")


@check("session-cookies", "redirected")
async def no_jar_on_the_way(case: Case) -> None:
    """A followed redirect does not send back the cookies that came with it."""
    target = case.play(recorded("httpbin/cookies-set", 1), LENGTH, path="/cookies")
    first = case.play(recorded("httpbin/cookies-set"), LENGTH)
    async with case.opened(follow_redirects=True) as session:
        await call(case, session, "stream", "GET", first.url)
    if got := lines_of(only(target), "cookie"):
        raise Deviation("sent-extra", [], got, "the Cookie lines on the wire")


# Import


@check("session-import")
async def both_names(case: Case) -> None:
    """Where a package has the class at its top, its module `session` has the same."""
    module, colon, name = case.subject.name.partition(":")
    if not colon or "." in name:
        raise NotApplicable("the session is not loaded by a name in a module")
    package = module.removesuffix(".session")
    case.note(f"from {package} import {name}; from {package}.session import {name}")
    found = []
    for place in (package, f"{package}.session"):
        try:
            found.append(getattr(importlib.import_module(place), name))
        except (ImportError, AttributeError) as error:
            raise Deviation("missing", f"{name} in {place}", error) from None
    if found[0] is not found[1]:
        raise Deviation("wrong-value", found[0], found[1], "two objects of one name")


# The page's programs


@check("lines-endings", "program-basic-usage")
async def basic_usage(case: Case) -> None:
    """Five recorded lines, each a JSON value of its own."""
    exchange = case.play(recorded("httpbin/stream-5"))
    async with case.opened() as session, case.stream(session, "GET", exchange.url) as resp:
        got = [json.loads(line)["id"] async for line in resp.aiter_lines()]
    compare([0, 1, 2, 3, 4], got, "the ids in the lines")


@check("lines-endings", "program-server-sent-events")
async def server_sent_events(case: Case) -> None:
    """The tokens of a recorded chat, until [DONE]."""
    interaction = cassettes.load("sse/chat")[0]
    exchange = case.play(recorded("sse/chat"), path=interaction.request.target)
    headers = {"Authorization": "Bearer KEY", "Content-Type": "application/json"}
    tokens = []
    async with case.opened(timeout=60.0) as session:
        sending: dict[str, Any] = {"headers": headers, "content": interaction.request.body}
        async with case.stream(session, "POST", exchange.url, **sending) as resp:
            async for line in resp.aiter_lines():
                if not line.startswith("data: "):
                    continue
                data = line[6:]
                if data == "[DONE]":
                    break
                tokens.append(_token(data))
    compare(_tokens(interaction.response.body), tokens, "the tokens")
    compare(interaction.request.body, only(exchange).body, "the payload")


def _token(data: str) -> str:
    try:
        return str(json.loads(data)["choices"][0]["delta"].get("content", ""))
    except ValueError:
        raise Deviation("wrong-value", "a JSON value", repr(data), "a line that was cut") from None


def _tokens(body: bytes) -> list[str]:
    """The tokens of the whole body, by the line feeds that the recorded server ends lines with."""
    data = [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]
    return [_token(item) for item in data if item != "[DONE]"]


@check("session-content", "program-raw-bytes")
async def raw_bytes(case: Case) -> None:
    """A recorded POST below a base_url, the answer read by 1,024 bytes."""
    interaction = cassettes.load("httpbin/anything")[1]
    exchange = case.play(recorded("httpbin/anything", 1), path=interaction.request.target)
    async with case.opened(
        base_url=case.tape.url, headers={"Authorization": "Bearer t"}
    ) as session:
        body = interaction.request.body
        async with case.stream(session, "POST", exchange.path, content=body) as resp:
            got = b"".join([chunk async for chunk in resp.aiter_bytes(1024)])
    compare(interaction.request.body, only(exchange).body, "the body sent")
    compare(interaction.response.body, got, "the body received")


@check("bytes-size", "program-download")
async def download(case: Case) -> None:
    """A recorded file, written by chunks of 8,192 bytes."""
    reply = recorded("httpbin/bytes-large")
    exchange = case.play(reply, LENGTH)
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.zip"
        async with (
            case.opened(timeout=300.0) as session,
            case.stream(session, "GET", exchange.url) as resp,
        ):
            with file.open("wb") as f:
                async for chunk in resp.aiter_bytes(8192):
                    sizes.append(f.write(chunk))
        compare(reply.body, file.read_bytes(), "the file")
    full, rest = divmod(len(reply.body), 8192)
    compare([8192] * full + [rest], sizes, "the sizes of the chunks")


@check("headers-session", "program-session-headers")
async def session_headers(case: Case) -> None:
    """A relative url, and the session's Authorization without another word."""
    exchange = case.play(recorded("httpbin/stream-3"), path="/events")
    async with (
        case.opened(base_url=case.tape.url, headers={"Authorization": "Bearer token"}) as session,
        case.stream(session, "GET", "/events") as resp,
    ):
        async for _ in resp.aiter_lines():
            pass
    got = lines_of(only(exchange), "authorization")
    if got != ["Bearer token"]:
        raise Deviation("sent-wrong", ["Bearer token"], got, "the header lines 'authorization'")


@check("session-status-silent", "program-checking-status")
async def checking_status(case: Case) -> None:
    """A recorded error is left at once; a recorded success is read."""
    async with case.opened() as session:
        for name, number, expected in (("sse/chat-error", 0, 404), ("httpbin/stream-3", 0, 200)):
            exchange = case.play(recorded(name, number))
            async with case.stream(session, "GET", exchange.url) as resp:
                compare(expected, resp.status_code, "the status code")
                if resp.status_code != 200:
                    continue
                compare(recorded(name, number).body, await resp.aread())


@check("bytes-codings", "recorded-answers")
async def recorded_codings(case: Case) -> None:
    """Bodies that a real server coded are decoded."""
    names = {"gzip": "gzipped", "deflate": "deflated", "brotli": "brotli"}
    if "br" not in case.accepts.replace(" ", "").split(","):
        del names["brotli"]
    async with case.opened() as session:
        for name, key in names.items():
            for how in CALLS:
                exchange = case.play(recorded(f"httpbin/{name}"), LENGTH)
                response = await call(case, session, how, "GET", exchange.url)
                compare(True, response.json()[key], f"{key!r} of the recorded body")
