"""What the servers say in the programs of the pages: one function per page that needs one."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from conformance.cassettes import load
from conformance.delivery import Delivery, Reply
from examples.demo import play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.exchange import Exchange
    from conformance.tape import Tape

    World = Callable[[Tape, Path], None]

HOSTS = ("api.example.com", "files.example.com", "api.openai.com", "httpbin.org")
WORLDS: dict[str, World] = {}

LOG = b'{"level": "info", "text": "started"}\n\n{"level": "error", "text": "disk full"}\n'
STORY = b"Once a small lamp set out to learn how every town says good evening.\n"
FEED = b'retry: 10\n: hello\n\nid: 1\ndata: {"state": "ready"}\n\nid: 2\nevent: note\ndata: two\n\n'


def world(page: str) -> Callable[[World], World]:
    def keep(made: World) -> World:
        WORLDS[page] = made
        return made

    return keep


def reply(body: bytes | str, kind: str = "text/plain", status: int = 200, **more: str) -> Reply:
    content = body.encode() if isinstance(body, str) else body
    headers = tuple((name.replace("_", "-"), value) for name, value in more.items())
    reasons = {200: "OK", 201: "Created", 206: "Partial Content", 404: "Not Found"}
    return Reply(
        status, (("Content-Type", kind), *headers), content, reasons.get(status, "As It Is")
    )


def answer(value: object, status: int = 200, **more: str) -> Reply:
    return reply(json.dumps(value), "application/json", status, **more)


def recorded(tape: Tape, *names: str) -> None:
    for name in names:
        play(tape, load(name)[0], Delivery())


def feed(tape: Tape, path: str, body: bytes = FEED, delivery: Delivery | None = None) -> Exchange:
    return tape.play(reply(body, "text/event-stream"), delivery or Delivery(), path=path)


def missing(tape: Tape) -> None:
    tape.play(answer({"error": "no such page"}, 404), path="/missing")


def endless(tape: Tape) -> None:
    tape.play(reply(b""), Delivery(endless=b"again\n"), path="/endless")


def log(tape: Tape) -> None:
    cut = LOG.index(b"\n") + 10
    tape.play(reply(LOG, "application/x-ndjson"), Delivery(chunks=(cut,)), path="/log")


def user(tape: Tape) -> None:
    tape.play(answer({"name": "Ada"}), path="/user")


@world("README.md")
def readme(tape: Tape, cwd: Path) -> None:
    recorded(tape, "httpbin/stream-3", "httpbin/stream-5", "sse/chat")


@world("docs/index.md")
def index(tape: Tape, cwd: Path) -> None:
    log(tape)
    tape.play_sequence([reply(FEED, "text/event-stream"), reply(b"", status=204)], path="/feed")
    tape.play(reply(STORY), Delivery(chunks=(9, 30)), path="/story")
    tape.play(reply(bytes(100_000), "application/octet-stream"), path="/large.iso")
    tape.play(answer({"total": 3}), path="/report")


@world("docs/learn/first-stream.md")
def first_stream(tape: Tape, cwd: Path) -> None:
    recorded(tape, "httpbin/stream-3")
    missing(tape)
    endless(tape)


@world("docs/learn/reading.md")
def reading(tape: Tape, cwd: Path) -> None:
    log(tape)
    user(tape)
    feed(tape, "/feed")
    tape.play(reply(STORY), Delivery(chunks=(9, 30)), path="/story")
    table = reply(bytes(20), "application/octet-stream")
    tape.play(table, Delivery("content-length"), path="/table")


@world("docs/learn/sessions.md")
def sessions(tape: Tape, cwd: Path) -> None:
    user(tape)
    tape.play(answer({"id": 7}, 201), path="/v1/notes?draft=1", method="POST")
    tape.play(Reply(301, (("Location", "/new"),), b"", "Moved Permanently"), path="/old")
    tape.play(answer({}), path="/new")


@world("docs/learn/timeouts.md")
def timeouts(tape: Tape, cwd: Path) -> None:
    tape.silent(path="/silent")
    feed(tape, "/feed")
    tape.play(reply(b"first\nsecond\n"), Delivery(held=(6,)), path="/log-that-waits")
    endless(tape)


@world("docs/learn/errors.md")
def errors(tape: Tape, cwd: Path) -> None:
    tape.silent(path="/silent")
    tape.play(Reply(), Delivery(end_wire=("close", 0)), path="/hangs-up")
    tape.play(Reply(), Delivery(head=b"SSH-2.0-OpenSSH_9.9\r\n"), path="/not-http")
    body = reply(b"one\ntwo\nthr" + b"x" * 89)
    tape.play(body, Delivery("content-length", end=("close", 10)), path="/cut-length")
    tape.play(body, Delivery(end=("close", 10)), path="/cut-chunked")
    tape.play(body, Delivery(held=(4,)), path="/stalls")
    stored = gzip.compress(b"one\ntwo\nthree\n", 0, mtime=0)
    half = reply(stored[:-12], Content_Encoding="gzip")
    tape.play(half, Delivery("content-length"), path="/cut-gzip")
    tape.play(reply("no gzip at all", Content_Encoding="gzip"), path="/no-gzip")
    tape.play(reply("secret", Content_Encoding="aes"), path="/unknown-coding")
    missing(tape)


@world("docs/guides/chat.md")
def chat(tape: Tape, cwd: Path) -> None:
    body = load("sse/chat")[0].response.body
    refused = load("sse/chat-error")[0].response
    told = b'data: {"choices": [{"delta": {"content": "%b"}}]}\n\n'
    short = told % b"Once upon" + told % b" a time" + b"data: [DONE]\n\n"
    kind = "text/event-stream"
    waits = Delivery(held=(len(told % b"Once upon"),))
    tape.play_sequence(
        [
            reply(body, kind),
            reply(short, kind),
            reply(refused.body, "application/json", refused.status),
            (reply(short, kind), waits),
        ],
        method="POST",
        path="/v1/chat/completions",
    )


@world("docs/guides/events.md")
def events(tape: Tape, cwd: Path) -> None:
    kind = "text/event-stream"
    third = reply(b"id: 3\ndata: three\n\n", kind)
    broken = (reply(FEED + b"id: 3\nda", kind), Delivery(end=("close", len(FEED) + 3)))
    tape.play_sequence([broken, third, reply(b"", status=204)], path="/feed")
    feed(tape, "/quiet-feed", b"data: at last\n\n")
    feed(tape, "/resumed-feed", b"id: 3\ndata: three\n\n")
    feed(tape, "/short-feed")


@world("docs/guides/ndjson.md")
def ndjson(tape: Tape, cwd: Path) -> None:
    log(tape)
    tape.play(reply('{"text": "one\u2028two"}\n{"text": "\x85"}\n'), path="/separators")
    tape.play(reply(b"x" * 5000), path="/one-long-line")
    cut = LOG.index(b"disk")
    tape.play(reply(LOG), Delivery("content-length", end=("close", cut)), path="/broken-log")


@world("docs/guides/downloads.md")
def downloads(tape: Tape, cwd: Path) -> None:
    content = bytes(range(250)) * 400
    whole = reply(content, "application/octet-stream", ETag='"v1"')
    rest = reply(
        content[60_000:],
        "application/octet-stream",
        206,
        ETag='"v1"',
        Content_Range="bytes 60000-99999/100000",
    )
    length = Delivery("content-length")
    broken = Delivery("content-length", end=("close", 60_000))
    tape.play(whole, length, path="/large.iso")
    tape.play_sequence([(whole, broken), (rest, length)], path="/breaks.iso")


@world("docs/guides/uploads.md")
def uploads(tape: Tape, cwd: Path) -> None:
    for name in ("note.txt", "report.pdf", "large.iso"):
        tape.play(answer({}, 201), method="PUT", path=f"/files/{name}")
    tape.play(answer({}, 201), method="POST", path="/notes")
    too_large = reply("at most 1 MB", status=413)
    tape.play(
        too_large,
        Delivery(connection_close=True),
        path="/files/too-large",
        read="last",
        continues=False,
    )


@world("docs/guides/testing.md")
def testing(tape: Tape, cwd: Path) -> None:
    tape.play(reply("Ada\nGrace\n"), path="/names")


@world("docs/guides/retries.md")
def retries(tape: Tape, cwd: Path) -> None:
    ada = answer({"name": "Ada"})
    cut = Delivery("content-length", end=("close", 5))
    tape.play_sequence([answer({}, 503), (ada, cut), ada], path="/flaky-user")
    tape.play_sequence([(reply(b"one\ntwo\n"), cut), reply(b"one\ntwo\n")], path="/flaky-lines")
    busy = answer({}, 503, Retry_After="0")
    tape.play_sequence([busy, reply("all is well")], path="/busy-report")


@world("docs/guides/observability.md")
def observability(tape: Tape, cwd: Path) -> None:
    tape.play(reply(LOG), path="/log")  # in one piece: the number of bytes is shown
    user(tape)
    tape.play(answer({}), path="/search?q=secret")
    tape.silent(path="/silent")


@world("docs/guides/proxies-tls.md")
def proxies_tls(tape: Tape, cwd: Path) -> None:
    user(tape)
    tape.play(answer({"name": "Ada"}), path="http://api.example.com/user")


@world("docs/guides/security.md")
def security(tape: Tape, cwd: Path) -> None:
    tape.play(reply("well"), path="/health")


@world("docs/guides/from-httpx.md")
def from_httpx(tape: Tape, cwd: Path) -> None:
    log(tape)
    user(tape)


@world("docs/guides/from-aiohttp.md")
def from_aiohttp(tape: Tape, cwd: Path) -> None:
    log(tape)


@world("docs/guides/from-fasthttp-client.md")
def from_fasthttp_client(tape: Tape, cwd: Path) -> None:
    feed(tape, "/events", b"data: one\n\n")
