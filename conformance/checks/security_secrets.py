"""Checks of chapter security: what no message, no repr and no log record tells.

Every value that is secret is a word of its own, so that it can be looked for wherever it may turn
up. The exchanges go wrong in as many ways as there are messages.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from conformance.checks.security import OK, PATIENCE, Allowing
from conformance.checks.session import LENGTH, call, to
from conformance.delivery import Delivery, Reply
from conformance.registry import check
from conformance.verdicts import Deviation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from conformance.case import Case

GUARDED = Allowing(("127.0.0.1",))
USER, PASSWORD, QUERY = "alice-the-user", "hunter2-the-password", "s3cr3t-in-the-query"
HEADERS = {
    "Authorization": "Bearer t0ken-of-authorization",
    "Cookie": "session=c00kie-of-alice",
    "X-Api-Key": "k3y-of-the-api",
    "X-Auth-Token": "t0ken-of-another-name",
}
SECRETS = (USER, PASSWORD, QUERY, *(value.split("=")[-1].split()[-1] for value in HEADERS.values()))


def _with_secrets(url: str) -> str:
    """The same url with a user name, a password and a query."""
    start, host = url.split("://")
    mark = "&" if "?" in host else "?"
    return f"{start}://{USER}:{PASSWORD}@{host}{mark}access_token={QUERY}"


def _tells(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _answers(case: Case) -> Iterator[tuple[str, str]]:
    """What goes wrong on the wire, and where."""
    short = Delivery("content-length", end=("close", 4))
    junk = Delivery("until-close", head=b"no HTTP at all\r\n\r\n")
    silent = Delivery("chunked", held=(4,))
    query = f"?access_token={QUERY}"
    for what, reply, delivery in (
        ("a body that is cut short", Reply(body=b"0123456789"), short),
        ("no HTTP", Reply(), junk),
        ("a status", Reply(404, reason="Not Found"), LENGTH),
        ("no response", Reply(), Delivery(end_wire=("close", 0))),
        ("silence", Reply(body=b"0123456789"), silent),
        ("a coding that is none", Reply(200, (("Content-Encoding", "gzip"),), b"no gzip"), LENGTH),
        ("a Location of another scheme", to(f"ftp://elsewhere.test/{query}"), LENGTH),
        ("a Location with a name", to(_with_secrets(case.tape.url + "/")), LENGTH),
        ("a Location that is no address", to(f"http://[::1/{query}"), LENGTH),
        ("a Location to a closed port", to(_with_secrets("http://127.0.0.1:1/")), LENGTH),
        ("a Location that is forbidden", to(f"http://127.0.0.2/{query}"), LENGTH),
    ):
        path = f"/secrets/{what.replace(' ', '-')}/{id(case)}"
        exchange = case.play(reply, delivery, path=f"{path}?access_token={QUERY}")
        yield what, exchange.url.partition("?")[0]
    loop = f"/secrets/loop/{id(case)}{query}"
    yield "a loop", case.play(to(loop), LENGTH, path=loop).url.partition("?")[0]


def _places(case: Case) -> Iterator[tuple[str, str]]:
    """Where no connection comes about."""
    yield "a closed port", f"http://127.0.0.1:{_unused_port()}/"
    yield "a forbidden address", "http://127.0.0.2/"
    yield "an unknown name", "http://nobody.invalid/"
    yield "a control character", f"{case.tape.url}/a\nb"
    yield "a backslash", f"{case.tape.url}/a\\b"
    yield "another scheme", "ftp://127.0.0.1/"
    yield "a port that is none", "http://127.0.0.1:99999/"
    yield "no port", "http://127.0.0.1:port/"
    yield "no host", "http:///x"
    yield "half an address", "http://[::1/"


async def _mishaps(case: Case) -> AsyncIterator[tuple[str, BaseException]]:
    """Everything that goes wrong, each with its exception."""
    given: dict[str, Any] = {"security": GUARDED, "headers": HEADERS, "timeout": 0.3}
    async with case.opened(**given, follow_redirects=True) as session:
        for what, url in [*_answers(case), *_places(case)]:
            if (error := await _error(case, session, _with_secrets(url))) is not None:
                yield what, error
        for what, url in (
            ("a relative url", f"/a?access_token={QUERY}"),
            ("a url without a scheme", f"//{USER}:{PASSWORD}@127.0.0.1/?access_token={QUERY}"),
        ):
            if (error := await _error(case, session, url)) is not None:
                yield what, error
        for name, value in HEADERS.items():
            for bad in (f"{value}\n", f" {value}", f"{value}é", value.encode()):
                error = await _error(case, session, case.tape.url, headers={name: bad})
                if error is not None:
                    yield f"a bad value of {name}", error
    async with case.opened(**given) as session:
        for what, reply in (
            ("a redirect that is not followed", to(f"/next?access_token={QUERY}")),
            ("a redirect elsewhere", to(_with_secrets("http://elsewhere.test/"))),
            ("a query without a name", Reply(404, reason="Not Found")),
        ):
            path = f"/secrets/{what.replace(' ', '-')}/{id(case)}?{QUERY}"
            url = case.play(reply, LENGTH, path=path).url
            if (error := await _error(case, session, url)) is not None:
                yield what, error
    base = f"http://{USER}:{PASSWORD}@127.0.0.1/v1"
    for bad in (f"{base}?access_token={QUERY}", f"{base}\n", base.replace("http", "ftp")):
        try:
            case.session(base_url=bad)
        except Exception as refusal:  # noqa: BLE001 - whichever it is
            yield "a bad base_url", refusal
    async with case.opened(base_url=base, security=GUARDED) as session:
        for url in (f"../a?access_token={QUERY}", f"//a?access_token={QUERY}"):
            if (error := await _error(case, session, url)) is not None:
                yield "a url that leaves its base", error


async def _error(case: Case, session: Any, url: str, **arguments: Any) -> Exception | None:
    try:
        async with asyncio.timeout(PATIENCE):  # waits are other rules' affair
            response = await call(case, session, "request", "GET", url, **arguments)
        response.raise_for_status()
    except Exception as error:  # noqa: BLE001 - which it is, other rules say
        return error
    return None


@check("security-secrets-errors", limit=30)
async def messages(case: Case) -> None:
    """Whatever goes wrong, message and repr of its exception have no secret."""
    async for what, error in _mishaps(case):
        if told := _tells(f"{error} {error!r}"):
            raise Deviation("extra", [], told, f"in the exception for {what}: {error!r}")


@check("security-secrets-repr")
async def reprs(case: Case) -> None:
    """Session and response, before and after reading, inside the block and after it."""
    exchange = case.play(OK, LENGTH, path=f"/secrets/repr/{id(case)}?access_token={QUERY}")
    url = _with_secrets(exchange.url.partition("?")[0])
    base = f"http://{USER}:{PASSWORD}@127.0.0.1:{case.tape.port}"
    async with case.opened(base_url=base, headers=HEADERS, security=GUARDED) as session:
        seen = [repr(session), str(session)]
        async with case.stream(session, "GET", url) as response:
            seen += [repr(response), str(response)]
            await response.aread()
            seen += [repr(response)]
        seen += [repr(response), repr(session)]
    for text in seen:
        if told := _tells(text):
            raise Deviation("extra", [], told, f"in the repr {text}")


class _Keeper(logging.Handler):
    """Keeps what all records of the process say."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record as it would be written, with its arguments and its exception."""
        self.kept.append(f"{record.name}: {logging.Formatter().format(record)} {record.args!r}")


@contextmanager
def _kept() -> Iterator[list[str]]:
    root, keeper = logging.getLogger(), _Keeper()
    level = root.level
    others, root.handlers = root.handlers, [keeper]  # nobody else wants to see it all
    root.setLevel(logging.DEBUG)
    # What has a level of its own is asked for everything, too.
    own = {
        logger: logger.level
        for logger in list(logging.root.manager.loggerDict.values())
        if isinstance(logger, logging.Logger) and logger.level
    }
    for logger in own:
        logger.setLevel(logging.DEBUG)
    try:
        yield keeper.kept
    finally:
        for logger, former in own.items():
            logger.setLevel(former)
        root.setLevel(level)
        root.handlers = others


@check("security-secrets-logs", limit=30)
async def records(case: Case) -> None:
    """Good exchanges and bad ones, with every logger of the process at DEBUG."""
    exchange = case.play(OK, LENGTH, path=f"/secrets/logs/{id(case)}?access_token={QUERY}")
    url = _with_secrets(exchange.url.partition("?")[0])
    with _kept() as kept:
        async with case.opened(headers=HEADERS, security=GUARDED) as session:
            for _ in range(2):
                await call(case, session, "stream", "GET", url)
        async for _ in _mishaps(case):
            pass
    for line in kept:
        if told := _tells(line):
            raise Deviation("extra", [], told, f"in the log record {line}")
