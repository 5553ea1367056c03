"""Checks of what a request could be made to say, by ways that are easily forgotten.

The rules are those of the chapters headers and urls, which count under every value of `security`:
a form's parts have headers too, and a redirect's target is a url like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.checks.session import LENGTH, call, refused, to
from conformance.delivery import Reply
from conformance.registry import check
from conformance.verdicts import Deviation

if TYPE_CHECKING:
    from conformance.case import Case


@check("headers-value-refused", "of-a-part")
async def of_a_file(case: Case) -> None:
    """A file's type, and its further headers, cannot begin a header of their own."""
    exchange = case.play(Reply(body=b"ok"))
    for part in (
        ("a", b"x", "text/plain\r\nX: y"),
        ("a", b"x", "text/plain\nX: y"),
        ("a", b"x", "text/plain", {"X-Part": "a\r\nX: y"}),
    ):

        async def act(part: Any = part) -> object:
            case.note(f"session.post(url, files={{'f': {part!r}}})")
            async with case.opened() as session:
                return await session.post(exchange.url, files={"f": part})

        await refused(case, ["Exception"], act)


@check("urls-characters-refused", "of-a-redirect")
async def of_a_redirect(case: Case) -> None:
    """A Location with a backslash is not followed."""
    for location in ("/a\\b", f"{case.tape.url}\\@evil.test/"):
        exchange = case.play(to(location), LENGTH)
        seen = case.tape.connections
        try:
            async with case.opened(follow_redirects=True) as session:
                got = await call(case, session, "request", "GET", exchange.url)
        except Exception:  # noqa: BLE001 - whichever it is
            if case.tape.connections > seen + 1:
                raise Deviation("sent-extra", 1, case.tape.connections - seen, location) from None
            continue
        raise Deviation("no-exception", "an exception", got, f"Location: {location}")
