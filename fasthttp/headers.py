"""Which headers a request carries (chapter headers).

A request's headers are merged over the session's by case-insensitive name: its value replaces
every value of that name, None removes the name, new names follow. Nothing the caller passed is
changed. What could end a header early and start another is refused before anything is connected.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .decoders.body import ACCEPT_ENCODING
from .version import __version__

if TYPE_CHECKING:
    import httpx

Pairs = tuple[tuple[str, str], ...]
Changes = tuple[tuple[str, str | None], ...]  # None: remove

DEFAULTS: Pairs = (  # a session's, under its own
    ("Accept", "*/*"),
    ("Accept-Encoding", ACCEPT_ENCODING),
    ("User-Agent", f"fasthttp/{__version__}"),
)

_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # an empty one is said to be empty
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# Framing is the session's own: a caller's value could only contradict the body that is sent.
_OURS = {"transfer-encoding": "the body is sent whole, with its Content-Length"}


def check(headers: Mapping[str, str | None] | Iterable[tuple[str, str | None]] | None) -> Changes:
    """Return the headers as checked pairs; a value of None is kept for `merge` as a removal.

    Raises `ValueError` naming the header for a bad name or value, `TypeError` for other types.
    """
    if headers is None:
        return ()
    items = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((_name(name), _value(name, value)) for name, value in items)


def merge(session: Pairs, request: Changes) -> Pairs:
    """Return the session's headers with the request's laid over them, by name in any case."""
    if not request:
        return session
    later = [(name, value) for name, value in request if value is not None]
    named = {name.lower() for name, _ in request}
    merged: list[tuple[str, str]] = []
    placed: set[str] = set()
    for name, value in session:
        key = name.lower()
        if key not in named:
            merged.append((name, value))
        elif key not in placed:
            # The replacement takes the place of the first value that it replaces.
            placed.add(key)
            merged += [pair for pair in later if pair[0].lower() == key]
    return (*merged, *(pair for pair in later if pair[0].lower() not in placed))


def complete(headers: Pairs, method: str, url: httpx.URL, body: bytes | None) -> Pairs:
    """Add what every request needs: Host first, credentials of the URL, Content-Length last.

    Raises `ValueError` for two of Host or Content-Length, or a length that contradicts `body`.
    """
    named = {name.lower(): value for name, value in headers}
    if len(named) < len(headers):
        _refuse_two([name.lower() for name, _ in headers])
    if "host" not in named:
        headers = (("Host", url.netloc.decode("ascii")), *headers)
    if url.userinfo and "authorization" not in named:
        headers = (*headers, ("Authorization", basic(url)))
    bodiless = body is None and method not in _METHODS_WITH_BODY
    length = None if bodiless else str(len(body or b""))
    if "content-length" in named:
        if named["content-length"] != (length or "0"):
            raise ValueError(
                f"header 'Content-Length': {named['content-length']!r}, but content has "
                f"{length or 0} bytes"
            )
        return headers
    return headers if length is None else (*headers, ("Content-Length", length))


def _refuse_two(names: list[str]) -> None:
    for name in ("host", "content-length"):
        if names.count(name) > 1:
            raise ValueError(f"header {name!r} is there twice, in different cases")


def basic(url: httpx.URL) -> str:
    """Return the Basic credentials in the userinfo of `url` (RFC 7617)."""
    credentials = f"{url.username}:{url.password}".encode()
    return "Basic " + base64.b64encode(credentials).decode("ascii")


def _name(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"header name {name!r} must be a str, not {type(name).__name__}")
    if not _TOKEN.fullmatch(name):
        shown = name.partition(":")[0]  # somebody may have written the value behind it
        raise ValueError(f"header name {shown!r} is not a token (letters, digits, !#$%&'*+-.^_`|~)")
    if name.lower() in _OURS:
        raise ValueError(f"header {name!r} cannot be set: {_OURS[name.lower()]}")
    return name


def _value(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"header {name!r}: the value must be a str, not {type(value).__name__}")
    if bad := _BAD_VALUE.search(value):
        raise ValueError(f"header {name!r}: {bad[0]!r} at position {bad.start()} of its value")
    if value != value.strip(" \t"):
        raise ValueError(f"header {name!r}: its value begins or ends with a space")
    if not value.isascii():
        position = next(i for i, character in enumerate(value) if not character.isascii())
        raise ValueError(
            f"header {name!r}: the character at position {position} of its value is not ASCII"
        )
    return value
