"""The examples of the specification, run against a session.

`perform(case, example)` plays one example and compares what comes of it with what the example
says. Which way it goes depends on the outcome that is written: reading a body, sending a request,
an address, a timeout, or one read mode after another. spec/README.md explains the keys.
"""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from conformance.case import (
    MODES,
    Case,
    Outcome,
    expect_error,
    expect_message,
    is_error,
    show_arguments,
)
from conformance.codings import coded, flush_ends, header_name, playable
from conformance.delivery import Delivery, Reply
from conformance.plans import planned as plan_of
from conformance.verdicts import Deviation, Difference, NotApplicable, compare
from spec.examples import body as body_of
from spec.vocabulary import raw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from conformance.peer import Recorded
    from spec.examples import Example

Fields = dict[str, Any]

DEFAULTS: dict[str, Fields] = {"events": {"content-type": "text/event-stream"}}
FRAMINGS = ("chunked", "content-length", "until-close")
EVERY_FRAMING = {None, "whole", "bytewise"}  # plans; the others cut chunks only
READ = {"bytes", "text", "lines", "chunks", "events", "error"}
SENT = {"sent", "absent", "request-line", "sent-body"}
SILENCE = 1.0  # seconds that the server is silent where the effective timeout is longer
ARRIVAL = 2.0  # seconds in which what has arrived must be delivered: wide, for slow machines


async def perform(case: Case, chapter: str, example: Example) -> None:
    """Run one example; `Deviation` says where the session departs from it."""
    # A copy: a client that changes what it is given must not change the next trial's example.
    fields = {**DEFAULTS.get(chapter, {}), **deepcopy(dict(example.fields))}
    if case.perturbation is not None:
        fields = case.perturbation.fields(chapter, fields)
    if unknown := _needed_codings(fields) - _offered(case):
        raise NotApplicable(f"the session does not offer {', '.join(sorted(unknown))}")
    if "gives" in fields:
        await _states(case, fields)
    elif "effective" in fields:
        await _effective(case, fields)
    elif "url" in fields:
        await _address(case, fields)
    elif "refused" in fields:
        await _refused(case, fields)
    elif fields.get("held"):
        await _held(case, fields)
    else:
        if READ & fields.keys():
            await _reading(case, fields)
        if SENT & fields.keys():
            await _sending(case, fields)


def planned(example: Example) -> bool:
    """Whether a chunk plan makes a difference to the example."""
    fields = example.fields
    return bool(READ & fields.keys()) and not fields.get("held") and "refused" not in fields


def _offered(case: Case) -> set[str]:
    offered = {part.partition(";")[0].strip().lower() for part in case.accepts.split(",")}
    return {"br", "zstd"} & offered


def _needed_codings(fields: Fields) -> set[str]:
    names = fields.get("codings", [])
    for name in names:
        if not playable(name):
            raise NotApplicable(f"the suite has no module for the coding {name}")
    return {"br", "zstd"} & {header_name(name) for name in names}


# Answers


def cuts(chapter: str, example: Example, plan: str) -> object:
    """How a plan cuts an example: two plans of which this is equal make no difference."""
    fields = {**DEFAULTS.get(chapter, {}), **example.fields}
    if not all(map(playable, fields.get("codings", []))):
        return None
    reply, delivery = next(deliveries(fields, plan))
    limit = delivery.end[1] if delivery.end else math.inf
    cut = plan_of(plan, reply, replace(delivery, end=None), wire="wire" in fields)
    return (*cut.cuts, *(at for at in cut.chunks if at < limit))


def deliveries(fields: Fields, plan: str | None = None) -> Iterator[tuple[Reply, Delivery]]:
    """The answers that an example stands for: one for each framing."""
    if "wire" in fields:
        yield Reply(), Delivery("until-close", head=raw(fields["wire"]))
        return
    reply = _reply(fields)
    every = list(FRAMINGS) if plan in EVERY_FRAMING else "chunked"
    given = fields.get("framing", "chunked" if "end" in fields else every)
    if fields.get("extra"):
        given = fields.get("framing", "content-length")
    end = next(iter(fields["end"].items())) if "end" in fields else None
    for framing in [given] if isinstance(given, str) else given:
        yield (
            reply,
            Delivery(
                framing,
                end=end,
                before=raw(fields.get("before", "")),
                extra=raw(fields.get("extra", "")),
            ),
        )


def _reply(fields: Fields) -> Reply:
    codings = fields.get("codings", [])
    content = b"".join(coded(body_of(fields), codings, fields.get("flush-at", ())))
    content = content[: len(content) - fields.get("coded-drop", 0)]
    content += raw(fields.get("coded-add", ""))
    headers = [
        (name, value)
        for name, given in fields.get("response-headers", {}).items()
        for value in ([given] if isinstance(given, str) else given)
    ]
    if "content-type" in fields:
        headers.append(("Content-Type", fields["content-type"]))
    names = fields.get("content-encoding", ", ".join(map(header_name, codings)))
    for value in [names] if isinstance(names, str) else names:
        if value:
            headers.append(("Content-Encoding", value))
    return Reply(fields.get("status", 200), tuple(headers), content)


# Reading


async def _reading(case: Case, fields: Fields) -> None:
    request = fields.get("request", {})
    method = request.get("method", "GET").upper()
    for reply, delivery in deliveries(fields, case.plan):
        for mode, size, outcome_key in _modes(fields):
            opened = case.opened(**fields["session"]) if "session" in fields else case.reading()
            async with opened as session:
                exchange = case.play(reply, delivery)
                read = await case.read(session, exchange.url, mode, method, size)
                _check_head(fields, read)
                _check_read(fields, mode, size, outcome_key, read)
                if delivery.extra:
                    # Only once all of it has been sent: a client cannot see what is on its way.
                    await asyncio.to_thread(exchange.wait_end)
                    await _next_is_right(case, session)


def _modes(fields: Fields) -> Iterator[tuple[str, int | None, str | None]]:
    """Read mode, chunk size, and the outcome that it is compared with."""
    if "chunks" in fields:
        yield "aiter_bytes", fields["chunks"]["size"], "chunks"
    stated = {"bytes": ["aiter_bytes", "aread"], "text": ["aiter_text"], "lines": ["aiter_lines"]}
    if "events" in fields:
        yield "aiter_events", None, "events"
    for key, modes in stated.items():
        for mode in modes:
            if key in fields:
                yield mode, None, key
            elif "error" in fields and "events" not in fields:
                yield mode, None, None


def _check_head(fields: Fields, read: Outcome) -> None:
    if read.response is None:
        return
    if "status" in fields:
        compare(fields["status"], read.response.status_code, "the status code")
    for name, given in fields.get("response-headers", {}).items():
        expected = [given] if isinstance(given, str) else given
        compare(expected, read.response.headers.get_list(name), f"the header lines {name!r}")


def _check_read(
    fields: Fields, mode: str, size: int | None, key: str | None, read: Outcome
) -> None:
    errors = _names(fields.get("error"))
    if read.error is not None and not errors:
        raise Difference("crash", fields.get(key or ""), read.error)
    if key is not None and not (errors and mode == "aread"):
        compare(*_expected_and_got(fields, key, size, read))
    if errors:
        expect_error(read, errors, tuple(fields.get("message", ())))


def _expected_and_got(
    fields: Fields, key: str, size: int | None, read: Outcome
) -> tuple[object, object]:
    if key == "chunks":
        return [raw(chunk) for chunk in fields["chunks"]["of"]], read.items
    if key == "bytes":
        if any(not isinstance(item, bytes) for item in read.items):
            raise Deviation("wrong-type", "bytes", read.items)
        return raw(fields["bytes"]), read.data
    if key == "text":
        return fields["text"], read.text
    if key == "events":
        return fields["events"], [_event(item) for item in read.items]
    return fields["lines"], read.items


def _event(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ("event", "data", "id", "retry")}


async def _next_is_right(case: Case, session: Any) -> None:
    exchange = case.tape.play(Reply(body=b"the next answer"), Delivery("content-length"))
    try:
        async with session.stream("GET", exchange.url) as response:
            compare(b"the next answer", await response.aread(), "the request after it")
    finally:
        case.tape.forget(exchange)


async def _held(case: Case, fields: Fields) -> None:
    """What has arrived is delivered while the server holds back the end of the body."""
    reply = _reply({**fields, "codings": [], "flush-at": []})
    codings, flushes = fields.get("codings", []), fields.get("flush-at", ())
    held: tuple[int, ...] = (len(reply.body),)
    if codings:
        reply = _reply(fields)
        held = flush_ends(body_of(fields), codings, flushes) or (len(reply.body),)
    key = next(key for key in ("bytes", "text", "lines", "events") if key in fields)
    mode = next(mode for mode, _, outcome in _modes(fields) if outcome == key)
    async with case.opened() as session:
        exchange = case.play(reply, Delivery("chunked", held=held))
        call = show_arguments("GET", exchange.url)
        case.note(f"async with session.stream({call}) as resp: read {mode}, the server waiting")
        async with session.stream("GET", exchange.url) as response:
            iterator = aiter(MODES[mode](response))
            got = Outcome([], None, response)
            while not _reached(fields, key, got):
                try:
                    async with asyncio.timeout(ARRIVAL):
                        got.items.append(await anext(iterator))
                except (TimeoutError, StopAsyncIteration):
                    expected, delivered = _expected_and_got(fields, key, None, got)
                    note = "not delivered although it has arrived, and the server waits"
                    raise Difference("missing", expected, delivered, note) from None
            compare(*_expected_and_got(fields, key, None, got))
            exchange.release_all()


def _reached(fields: Fields, key: str, got: Outcome) -> bool:
    expected, delivered = _expected_and_got(fields, key, None, got)
    return len(delivered) >= len(expected)  # type: ignore[arg-type] # both are sized


# One read mode after another


async def _states(case: Case, fields: Fields) -> None:
    body = b"data: one\n\ndata: two\n\n"
    reply = Reply(headers=(("Content-Type", "text/event-stream"),), body=body)
    for first in _names(fields["first"]):
        for progress in _names(fields["progress"]):
            for then in _names(fields["then"]):
                await _state(case, reply, first, progress, then, fields["gives"])


async def _state(
    case: Case, reply: Reply, first: str, progress: str, then: str, gives: str
) -> None:
    note = f"{then} after {first} ({progress})"
    async with case.reading() as session:
        # Amid a body, the server holds back its second half.
        held = (len(reply.body) // 2,) if progress == "amid" else ()
        exchange = case.play(reply, Delivery("chunked", held=held, chunks=held))
        case.note(
            f"async with session.stream({show_arguments('GET', exchange.url)}) as resp: {note}"
        )
        async with session.stream("GET", exchange.url) as response:
            kept = await _bring(response, first, progress)
            exchange.release_all()
            try:
                got = await _whole(response, then)
            except (httpx.StreamError, httpx.HTTPError) as error:
                if gives == "whole" or not is_error(error, [gives]):
                    raise Deviation("wrong-exception", gives, error, note) from None
                return
            finally:
                kept = None  # noqa: F841 - the first iterator lives until here
            if gives != "whole":
                raise Deviation("no-exception", gives, got, note)
            compare(_as_read(reply.body, then), got, note)


async def _bring(response: Any, mode: str, progress: str) -> object:
    """Begin to read in one mode; return what must stay alive."""
    if mode == "aread":
        if progress == "after":
            await response.aread()
            return None
        reading = asyncio.ensure_future(response.aread())
        for _ in range(20):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return reading
    iterator = aiter(MODES[mode](response))
    if progress == "amid":
        await anext(iterator)
    elif progress == "after":
        async for _ in iterator:
            pass
    return iterator


async def _whole(response: Any, mode: str) -> object:
    if mode == "aread":
        return await response.aread()
    items = [item async for item in MODES[mode](response)]
    if mode in ("aiter_bytes", "aiter_raw"):
        return b"".join(items)
    if mode == "aiter_events":
        return [event.data for event in items]
    return "".join(items) if mode == "aiter_text" else items


def _as_read(body: bytes, mode: str) -> object:
    if mode == "aiter_text":
        return body.decode()
    if mode == "aiter_events":
        return ["one", "two"]
    return body.decode().splitlines() if mode == "aiter_lines" else body


# Sending


async def _sending(case: Case, fields: Fields) -> None:
    for verb in (False, True):
        request = dict(fields.get("request", {}))
        if verb and "call" in request:
            continue  # the example says which call, and has been run
        async with case.opened(**fields.get("session", {})) as session:
            if "earlier" in fields:
                await _send(case, session, fields["earlier"], verb=verb)
            recorded = await _send(case, session, request, verb=verb)
        _check_sent(fields, recorded)


async def _send(case: Case, session: Any, request: Fields, *, verb: bool = False) -> Recorded:
    """Make the request, through `stream()` or through `request()`; return what was received."""
    arguments = dict(request)
    call = arguments.pop("call", "request" if verb else "stream")
    target = case.tape.url + arguments.pop("url", "/")
    if arguments.get("content") is not None:
        arguments["content"] = raw(arguments["content"])
    # Nothing is registered: the tape keeps every request that it does not expect.
    known = len(case.tape.unexpected)
    if call in ("stream", "request"):
        await _call(case, session, call, arguments.pop("method", "GET"), target, **arguments)
    else:
        await _call(case, session, call, target, **arguments)
    received = case.tape.unexpected[known:]
    if len(received) != 1:
        raise Deviation("sent-wrong", "one request", [request.raw for request in received])
    return received[0]


async def _call(case: Case, session: Any, call: str, *positional: Any, **named: Any) -> None:
    if call == "events":
        named["reconnect"] = False
    case.note(f"session.{call}({show_arguments(*positional, **named)})")
    if call == "stream":
        async with session.stream(*positional, **named) as response:
            await response.aread()
    elif call == "events":
        with suppress(httpx.HTTPError):  # what answers here is no event stream
            async with session.events(*positional, **named) as events:
                await anext(events, None)
    else:
        await getattr(session, call)(*positional, **named)


async def _address(case: Case, fields: Fields) -> None:
    """What is requested for a `base_url` and a `url`, or that nothing is."""
    base, url = (
        None if given is None else given.replace("tape.test", case.tape.url[7:])
        for given in (fields["base_url"], fields["url"])
    )
    arguments = {} if base is None else {"base_url": base}
    if "refused" in fields:
        await _expect_refusal(
            case, fields, arguments, lambda s: _call(case, s, "stream", "GET", url)
        )
        return
    known = len(case.tape.unexpected)
    async with case.opened(**arguments) as session:
        await _call(case, session, "stream", "GET", url)
    case.did = f"AsyncSession(base_url={base!r}), {case.did}"
    got = [request.target for request in case.tape.unexpected[known:]]
    if got != [fields["target"]]:
        raise Deviation("sent-wrong", [fields["target"]], got, "the request target on the wire")


async def _refused(case: Case, fields: Fields) -> None:
    if "chunk-size" in fields:
        await _size_refused(case, fields)
        return
    session, request = fields.get("session", {}), fields.get("request", {})
    for verb in (False, True):
        send = partial(_send, case, request=request, verb=verb)
        await _expect_refusal(case, fields, session, send)


async def _expect_refusal(
    case: Case, fields: Fields, arguments: Fields, act: Callable[[Any], Awaitable[object]]
) -> None:
    """The constructor or the call raises the documented exception, and nothing is connected."""
    names, connections = _names(fields["refused"]), case.tape.connections
    case.note(f"AsyncSession({show_arguments(**arguments)})")
    try:
        async with case.opened(**arguments) as session:
            await act(session)
    except Deviation:
        raise
    except Exception as error:
        if not is_error(error, names):
            raise Deviation("wrong-exception", " or ".join(names), error) from error
        expect_message(error, tuple(fields.get("message", ())))
    else:
        raise Deviation("no-exception", " or ".join(names), None)
    if case.tape.connections != connections:
        raise Deviation("sent-extra", "no connection", "a connection", "refused after connecting")


async def _size_refused(case: Case, fields: Fields) -> None:
    names, size = _names(fields["refused"]), fields["chunk-size"]
    async with case.opened() as session:
        exchange = case.play(_reply(fields))
        case.note(f"[x async for x in resp.aiter_bytes({size!r})]")
        async with session.stream("GET", exchange.url) as response:
            try:
                got = [chunk async for chunk in response.aiter_bytes(size)]
            except Exception as error:
                if not is_error(error, names):
                    raise Deviation("wrong-exception", " or ".join(names), error) from error
            else:
                raise Deviation("no-exception", " or ".join(names), got)
            compare(body_of(fields), await response.aread(), "the body, read after the refusal")


async def _effective(case: Case, fields: Fields) -> None:
    """The server falls silent amid the body, and the read ends when the timeout says."""
    limit = fields["effective"]
    short = limit is not None and limit < 2 * SILENCE
    reply = Reply(body=b"one\ntwo\n")
    async with case.opened(**{"timeout": 30.0, **fields.get("session", {})}) as session:
        if "earlier" in fields:
            before = case.play(Reply(body=b"ok"))
            async with case.stream(session, "GET", before.url, **fields["earlier"]) as response:
                await response.aread()
        exchange = case.play(reply, Delivery("chunked", held=(4,)))
        arguments = dict(fields.get("request", {}))
        async with case.stream(session, "GET", exchange.url, **arguments) as response:
            iterator = aiter(response.aiter_bytes())
            compare(b"one\n", await anext(iterator), "what came before the silence")
            if not short:
                asyncio.get_running_loop().call_later(SILENCE, exchange.release_all)
            began = time.monotonic()
            try:
                async with asyncio.timeout(5 * SILENCE):
                    got = await anext(iterator)
            except httpx.ReadTimeout as error:
                waited = time.monotonic() - began
                if not short or waited < 0.9 * limit:
                    raise Deviation(
                        "wrong-value", f"{limit} s", f"{waited:.2f} s", str(error)
                    ) from error
            except TimeoutError:
                raise Deviation("hang", f"httpx.ReadTimeout after {limit} s", None) from None
            else:
                if short:
                    raise Deviation("no-exception", f"httpx.ReadTimeout after {limit} s", got)
                compare(b"two\n", got, "what came after the silence")


def _names(given: str | list[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else given or []


def _check_sent(fields: Fields, recorded: Recorded) -> None:
    for name, given in fields.get("sent", {}).items():
        expected = [given] if isinstance(given, str) else given
        got = [value.decode("latin-1") for value in recorded.values(name)]
        if got != expected:
            raise Deviation("sent-wrong", expected, got, f"the header lines {name!r} on the wire")
    for name in fields.get("absent", ()):
        if got := [value.decode("latin-1") for value in recorded.values(name)]:
            raise Deviation("sent-extra", [], got, f"the header lines {name!r} on the wire")
    if "request-line" in fields:
        got_line = f"{recorded.method} {recorded.target} {recorded.version}"
        if got_line != fields["request-line"]:
            raise Difference("sent-wrong", fields["request-line"], got_line, "the request line")
    if "sent-body" in fields and recorded.body != raw(fields["sent-body"]):
        raise Deviation("sent-wrong", raw(fields["sent-body"]), recorded.body, "the body sent")
